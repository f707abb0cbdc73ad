/**
 * Contractions as the official VQA evaluator restores them: each is looked up with any one of its
 * apostrophes left out.
 *
 * The evaluator's own list has a few entries more. Those with a capital, as `Im`, are never found,
 * since words are lower-cased before; `let's` and `she's` lead to themselves, so `lets` and `shes`
 * stay as they are.
 *
 * Source: vqaEval.py of https://github.com/GT-Vision-Lab/VQA (Antol and others 2015, arXiv 1505.00468).
 */
const RESTORED = `
  ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
  haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't
  mightn't've must've mustn't needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've
  shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll
  someone's something'd something'd've something'll that's there'd there'd've there're there's
  they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're
  what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're
  why's won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're
  you've
`.trim().split(/\s+/);

/** Contractions by how they are misspelt. */
export const CONTRACTIONS: ReadonlyMap<string, string> = new Map([
  ...RESTORED.flatMap((word) =>
    withoutOneApostrophe(word).map((missing) => [missing, word] as const)
  ),
  // A slip of the official list, which makes it part of the metric.
  ["somebody'd", "somebodyd"],
]);

function withoutOneApostrophe(word: string): string[] {
  return [...word.matchAll(/'/g)].map(({ index }) => word.slice(0, index) + word.slice(index + 1));
}
