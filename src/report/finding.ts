/**
 * The report's first sentences: what the records show, in words.
 */
import {
  excludesZero,
  pairedDifference,
  SEEDS_FOR_A_VERDICT,
  type Summary,
  type Verdict,
} from "../evaluation/intervals.ts";
import { lambdaSlope } from "../evaluation/lambda_slope.ts";
import { type Accuracy, BASELINE } from "../records/record.ts";
import {
  type Condition,
  differenceTo,
  differenceToBaseline,
  isScored,
  measureAccuracy,
  overallBySeed,
} from "./conditions.ts";
import { type Comparison as FamilyMember, verdictOf } from "./family.ts";
import { fixed, inWords, pointsInterval, probability, signed } from "./number_format.ts";
import type { Sweep } from "./sweeps.ts";

/** More conditions than this are counted in the opening sentence, not listed. */
const LISTED_CONDITIONS = 3;

/** A condition beside its comparison with the baseline. */
interface Comparison {
  condition: Condition;
  difference: Summary;
  /** Adjusted within the family; null where it was not tested, undefined where there is no family. */
  p?: number | null;
}

/**
 * Says in two or three sentences whether each regularised arm differs from the baseline, what more
 * lambda does where an arm ran at several, and whether the baseline looks at the picture at all.
 *
 * @param family the comparisons that the study fixed; without them every arm is compared
 * @param sweeps the arms that ran at several lambdas
 */
export function finding(
  conditions: readonly Condition[],
  majority: Accuracy,
  family: readonly FamilyMember[] | null,
  sweeps: readonly Sweep[],
): string {
  return [
    regularisationFinding(conditions, family),
    slopeFinding(sweeps),
    controlFinding(conditions, majority),
  ].filter((text) => text !== "").join(" ");
}

/** What is compared: the family, or every condition beside the baseline. */
function comparisons(
  conditions: readonly Condition[],
  family: readonly FamilyMember[] | null,
): Comparison[] {
  if (family) {
    return family.flatMap(({ condition, difference, p }) =>
      condition && difference ? [{ condition, difference, p }] : []
    );
  }
  return conditions.filter(isCompared).flatMap((condition) => {
    const difference = differenceToBaseline(condition, conditions);
    return difference === null ? [] : [{ condition, difference }];
  });
}

const isCompared = ({ role, arm }: Condition) => role === "arm" && arm !== BASELINE;

function regularisationFinding(
  conditions: readonly Condition[],
  family: readonly FamilyMember[] | null,
): string {
  if (!conditions.some(isCompared)) return "";
  const compared = comparisons(conditions, family);
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
  const clauses = compared.map((comparison) =>
    `${comparison.condition.name} by ${signed(100 * comparison.difference.mean, 2)} points (${
      evidence(comparison)
    })`
  );
  return `Against baseline at the same seeds, VQA accuracy changes with ${inWords(clauses)}`;
}

function countVerdicts(compared: readonly Comparison[]): string {
  const verdicts = Map.groupBy(compared, verdictOf);
  const number = (key: Verdict) => verdicts.get(key)?.length ?? 0;
  const names = (key: Verdict) => {
    const list = verdicts.get(key) ?? [];
    return list.length === 0 ? "" : ` (${list.map(({ condition }) => condition.name).join(", ")})`;
  };
  return `Of ${compared.length} conditions beside baseline, VQA accuracy is higher than baseline at the same seeds in ` +
    `${number("higher")}${names("higher")} and lower in ${number("lower")}${names("lower")}; ` +
    `for ${number("cannot tell")} we cannot tell`;
}

/** No verdict here: the claims of a study say which slope was expected. */
function slopeFinding(sweeps: readonly Sweep[]): string {
  const clauses = sweeps.flatMap(({ name, points }) => {
    const slope = lambdaSlope(points).overSeeds;
    return slope
      ? [`${signed(100 * slope.mean, 2)} points with ${name} (${intervalInWords(slope)})`]
      : [];
  });
  return clauses.length === 0
    ? ""
    : `A unit more of λ changes VQA accuracy by ${inWords(clauses)}.`;
}

function evidence(comparison: Comparison): string {
  const { difference, p } = comparison;
  const parts = [
    intervalInWords(difference),
    ...(p == null ? [] : [`p ${p < 0.001 ? "" : "= "}${probability(p)} after Holm`]),
  ];
  return `${parts.join(", ")}: ${verdictOf(comparison)}`;
}

const intervalInWords = ({ interval }: Summary) =>
  interval === null ? "no interval" : `95 % interval ${pointsInterval(interval)}`;

/**
 * The controls answer another question than the arms: does the baseline, after its last stage, use
 * the picture at all, and what its encoder and language model know?
 */
function controlFinding(conditions: readonly Condition[], majority: Accuracy): string {
  const baseline = conditions.findLast(({ role, arm }) => role === "arm" && arm === BASELINE);
  const score = baseline && measureAccuracy(baseline, ({ overall }) => overall);
  if (!baseline || !score) return "";
  const controls = conditions.filter(({ role, stage }) =>
    role !== "arm" && stage === baseline.stage
  );
  const bySeed = overallBySeed(baseline);
  const constant = new Map([...bySeed.keys()].map((seed) => [seed, majority.overall]));
  const gaps: Gap[] = [
    ...(controls.some(({ role }) => role === "question-only") ? [] : [NO_CONTROL]),
    ...controls.map((control) =>
      gapInWords(`the ${control.role} control`, differenceTo(control, baseline))
    ),
    gapInWords("the majority answer", pairedDifference(constant, bySeed)),
  ];
  const byVerb = [...Map.groupBy(gaps, ([verb]) => verb)];
  const said = byVerb.map(([verb, of]) => `${verb} ${inWords(of.map(([, object]) => object))}`);
  const name = baseline.name.replace(/^b/, "B");
  const percent = `${fixed(100 * score.mean, 1)} %`;
  const reached = isScored(conditions)
    ? `${name} has a VQA accuracy of ${percent}`
    : `${name} answers ${percent} of the test questions`;
  return `${reached}; it ${inWords(said)}.`;
}

/** What the baseline does to a control: a verb, and what follows it. */
type Gap = [verb: string, object: string];

const NO_CONTROL: Gap = ["has", "no question-only run to be compared with"];

function gapInWords(control: string, gap: Summary | null): Gap {
  if (gap === null) return ["was tested at", `no seed and fold of ${control}`];
  const points = `${signed(100 * gap.mean, 2)} points`;
  if (gap.interval === null) {
    return ["differs", `from ${control} by ${points} at one seed (no interval)`];
  }
  const interval = `95 % interval ${pointsInterval(gap.interval)}`;
  if (gap.n < SEEDS_FOR_A_VERDICT) return ["differs", `from ${control} by ${points} (${interval})`];
  const object = `${control} (${points}, ${interval})`;
  if (!excludesZero(gap.interval)) return ["is not shown to beat", object];
  return [gap.mean > 0 ? "beats" : "falls short of", object];
}
