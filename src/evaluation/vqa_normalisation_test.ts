import assert from "node:assert/strict";
import fc from "fast-check";
import { CONTRACTIONS } from "./vqa_contractions.ts";
import { normaliseVqaAnswer, trimVqaAnswer } from "./vqa_normalisation.ts";

const CASES: [what: string, answer: string, normalised: string][] = [
  ["a symbol between letters becomes a blank", "black/white", "black white"],
  ["a symbol that touches a blank goes", "black / white", "black white"],
  ["and goes everywhere then", "a-b -c", "ab c"],
  ["every symbol goes from thousands", "12,000-13,000", "1200013000"],
  ["some marks are no symbols", "5:30 $3 50% r&b * # 'em", "5:30 $3 50% r&b * # 'em"],
  ["a period goes unless a digit follows", "3. 2.5 mr. .5", "3 2.5 mr .5"],
  ["at most 32 periods go", ".".repeat(40), ".".repeat(8)],
  ["number words up to ten are digits", "none zero two ten eleven", "0 0 2 10 eleven"],
  ["articles go", "The a an cat", "cat"],
  [
    "contractions get their apostrophe",
    "dont couldnt've couldn'tve",
    "don't couldn't've couldn't've",
  ],
  ["but not with a capital, and not all", "Im Ive lets shes its", "im ive lets shes its"],
  ["a slip of the official list", "somebody'd", "somebodyd"],
  ["inherited properties are words", "constructor __proto__", "constructor proto"],
  ["Python's blanks separate words", "a\x1cred\x85cat\u00a0\u3000dog", "red cat dog"],
];

for (const [what, answer, normalised] of CASES) {
  Deno.test(`official normalisation: ${what}`, () => {
    assert.equal(normaliseVqaAnswer(answer), normalised);
  });
}

Deno.test("trimming keeps what JavaScript alone takes for a blank", () => {
  assert.equal(trimVqaAnswer("\x1f\tred\ncat\x85 "), "red cat");
  assert.equal(trimVqaAnswer("\ufeffred"), "\ufeffred");
});

Deno.test("a contraction differs from its entry by one apostrophe", () => {
  for (const [missing, word] of CONTRACTIONS) {
    assert.equal(missing.replaceAll("'", ""), word.replaceAll("'", ""));
    assert.equal(Math.abs(missing.length - word.length), 1);
  }
});

Deno.test("normalising leaves one line of words without blanks at the ends", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (answer) => {
    const normalised = normaliseVqaAnswer(answer);
    assert.equal(trimVqaAnswer(normalised), normalised);
    assert.ok(!/\p{White_Space}{2}/u.test(normalised));
  }));
});
