/**
 * The report's first sentences: what the records show, in words.
 */
import {
  excludesZero,
  pairedDifference,
  SEEDS_FOR_A_VERDICT,
  type Summary,
  type Verdict,
  verdict,
} from "../evaluation/intervals.ts";
import type { Accuracy } from "../study/record.ts";
import {
  BASELINE,
  type Condition,
  conditionName,
  differenceToBaseline,
  findBaseline,
  measureAccuracy,
  overallBySeed,
} from "./conditions.ts";
import { fixed, inWords, pointsInterval, signed } from "./number_format.ts";

/** More conditions than this are counted in the opening sentence, not listed. */
const LISTED_CONDITIONS = 3;

/** A condition beside its comparison with the baseline. */
interface Comparison {
  condition: Condition;
  difference: Summary;
}

/**
 * Says in one or two sentences whether each regularised arm differs from the baseline and whether
 * the baseline looks at the picture at all.
 */
export function finding(
  conditions: readonly Condition[],
  majority: Accuracy,
): string {
  return [
    regularisationFinding(conditions),
    controlFinding(conditions, majority),
  ].filter((text) => text !== "").join(" ");
}

function regularisationFinding(conditions: readonly Condition[]): string {
  const arms = conditions.filter(({ role, arm }) => role === "arm" && arm !== BASELINE);
  if (arms.length === 0) return "";
  const compared: Comparison[] = arms.flatMap((condition) => {
    const difference = differenceToBaseline(condition, conditions);
    return difference === null ? [] : [{ condition, difference }];
  });
  if (compared.length === 0) {
    return "No arm can be compared with the baseline: there is no baseline run at the same seeds.";
  }
  const text = compared.length > LISTED_CONDITIONS
    ? countVerdicts(compared)
    : listDifferences(compared);
  const seeds = Math.min(...compared.map(({ difference }) => difference.n));
  return seeds >= SEEDS_FOR_A_VERDICT
    ? `${text}.`
    : `${text}; a verdict needs ${SEEDS_FOR_A_VERDICT} seeds and there ${
      seeds === 1 ? "is 1" : `are ${seeds}`
    }.`;
}

function listDifferences(compared: readonly Comparison[]): string {
  const clauses = compared.map(({ condition, difference }) =>
    `${conditionName(condition)} by ${signed(100 * difference.mean, 2)} points (${
      evidence(difference)
    })`
  );
  return `Against baseline at the same seeds, VQA accuracy changes with ${inWords(clauses)}`;
}

function countVerdicts(compared: readonly Comparison[]): string {
  const verdicts = Map.groupBy(
    compared,
    ({ difference }) => verdict(difference),
  );
  const number = (key: Verdict) => verdicts.get(key)?.length ?? 0;
  const names = (key: Verdict) => {
    const list = verdicts.get(key) ?? [];
    return list.length === 0
      ? ""
      : ` (${list.map(({ condition }) => conditionName(condition)).join(", ")})`;
  };
  return `Of ${compared.length} conditions beside baseline, VQA accuracy is higher than baseline at the same seeds in ` +
    `${number("higher")}${names("higher")} and lower in ${number("lower")}${names("lower")}; ` +
    `for ${number("cannot tell")} we cannot tell`;
}

function evidence(difference: Summary): string {
  const interval = pointsInterval(difference.interval);
  return `${interval === null ? "no interval" : `95 % interval ${interval}`}: ${
    verdict(difference)
  }`;
}

/** The controls answer another question than the arms: does the baseline use the picture at all? */
function controlFinding(conditions: readonly Condition[], majority: Accuracy): string {
  const baseline = findBaseline(conditions);
  const score = baseline && measureAccuracy(baseline, ({ overall }) => overall);
  if (!baseline || !score) return "";
  const bySeed = overallBySeed(baseline);
  const blind = conditions.find(({ role, stage }) =>
    role === "question-only" && stage === baseline.stage
  );
  const constant = new Map([...bySeed.keys()].map((seed) => [seed, majority.overall]));
  const gaps = [
    blind
      ? gapInWords("the question-only control", pairedDifference(overallBySeed(blind), bySeed))
      : NO_CONTROL,
    gapInWords("the majority answer", pairedDifference(constant, bySeed)),
  ];
  return `Baseline answers ${fixed(100 * score.mean, 1)} % of the test questions; it ${
    gaps.join(" and ")
  }.`;
}

const NO_CONTROL = "has no question-only run to be compared with";

function gapInWords(control: string, gap: Summary | null): string {
  if (gap === null) return `shares no seed with ${control}`;
  const points = `${signed(100 * gap.mean, 2)} points`;
  if (gap.interval === null) {
    return `differs from ${control} by ${points} at one seed (no interval)`;
  }
  const numbers = `${points}, 95 % interval ${pointsInterval(gap.interval)}`;
  if (!excludesZero(gap.interval)) return `is not shown to beat ${control} (${numbers})`;
  return `${gap.mean > 0 ? "beats" : "falls short of"} ${control} (${numbers})`;
}
