/**
 * The main table: VQA accuracy by condition beside the controls, with what the embeddings are like.
 */
import {
  pairedDifference,
  SEEDS_FOR_A_VERDICT,
  SIGNIFICANCE_LEVEL,
  type Summary,
  type Verdict,
} from "../evaluation/intervals.ts";
import { questionTypes } from "../evaluation/pool_accuracy.ts";
import type { Accuracy, RunRecord } from "../records/record.ts";
import { bestConditions } from "./best_condition.ts";
import { booktabs } from "./booktabs.ts";
import { conditionColumns, inPercent, intervalColumn, pointsColumns } from "./condition_columns.ts";
import {
  accuracyOfType,
  type Condition,
  differenceToBaseline,
  findBaseline,
  isScored,
  measure,
  measureAccuracy,
  overallBySeed,
  runsOf,
} from "./conditions.ts";
import { DETECTABLE, detectableEffects } from "./detectable.ts";
import { embeddingColumns } from "./embedding_columns.ts";
import { type Comparison, verdictOf } from "./family.ts";
import { count, fixed, inWords, probability } from "./number_format.ts";
import { type Column, table } from "./table.ts";

/** Above this accuracy the arms have too little room to differ. */
const CEILING = 0.97;

/** A condition, or the majority control, which has no run. */
interface AccuracyRow extends Pick<Condition, "arm" | "lambda" | "stage"> {
  role: Condition["role"] | "majority";
  seeds: number | null;
  accuracy(pick: (accuracy: Accuracy) => number | null): Summary | null;
  difference: Summary | null;
  /** Its test within the family; null where it is no member, or there is no family. */
  comparison: Comparison | null;
  /** Null where the row has no verdict. */
  verdict: Verdict | null;
  /** Whether it is the best of its stage, and can be told to be. */
  best: boolean;
  measure(pick: (run: RunRecord) => number | null): Summary | null;
}

/**
 * The table with what its numbers mean, and a note where the baseline leaves no room.
 *
 * @param family the comparisons that have a verdict; null where the study names none, and every arm
 * has one
 */
export function accuracyTable(
  majority: Accuracy,
  conditions: readonly Condition[],
  family: readonly Comparison[] | null,
): string {
  const { columns, rows } = accuracyCells(majority, conditions, family);
  return [
    legend(majority, conditions, family, rows.some(({ best }) => best)),
    table(columns, rows),
    ceilingNote(typesOf(majority, conditions), conditions),
  ]
    .filter((block) => block !== "").join("\n");
}

/**
 * The same table for LaTeX, without what its numbers mean.
 *
 * @param family as for {@linkcode accuracyTable}
 */
export function accuracyTabular(
  majority: Accuracy,
  conditions: readonly Condition[],
  family: readonly Comparison[] | null,
): string {
  const { columns, rows } = accuracyCells(majority, conditions, family);
  return booktabs(columns, rows);
}

/** What stands in the table, in whichever markup it is written. */
function accuracyCells(
  majority: Accuracy,
  conditions: readonly Condition[],
  family: readonly Comparison[] | null,
): { columns: Column<AccuracyRow>[]; rows: AccuracyRow[] } {
  const types = typesOf(majority, conditions);
  const rows = [
    ...conditionRows(conditions, family),
    majorityRow(majority, conditions),
  ];
  const accuracyColumn = (
    header: string,
    pick: (accuracy: Accuracy) => number | null,
  ) =>
    intervalColumn<AccuracyRow>(
      header,
      1,
      ({ accuracy }) => inPercent(accuracy(pick)),
    );
  const columns: Column<AccuracyRow>[] = [
    ...conditionColumns(rows),
    {
      header: "Seeds",
      align: "right",
      cell: ({ seeds }) => seeds === null ? null : count(seeds),
    },
    { ...accuracyColumn("Overall", ({ overall }) => overall), bold: ({ best }) => best },
    ...types.map((type) => accuracyColumn(type, (accuracy) => accuracyOfType(accuracy, type))),
    ...pointsColumns<AccuracyRow>("Difference to baseline", ({ difference }) => difference),
    {
      header: "p, Holm",
      align: "right",
      cell: ({ comparison }) => comparison?.p == null ? null : probability(comparison.p),
    },
    {
      header: DETECTABLE,
      align: "right",
      cell: ({ verdict, difference, comparison }) =>
        verdict && detectableEffects(difference, comparison?.alpha ?? SIGNIFICANCE_LEVEL, 100, 2),
    },
    { header: "Verdict", cell: ({ verdict }) => verdict },
    // Their own section has the rest.
    ...embeddingColumns<AccuracyRow>(
      ["averageCosine", "participationRatio", "cosineLoss"],
      ({ measure }, pick) => measure(pick),
    ),
  ];
  return { columns, rows };
}

function typesOf(majority: Accuracy, conditions: readonly Condition[]): string[] {
  return questionTypes([majority, ...runsOf(conditions).map(({ accuracy }) => accuracy)]);
}

function conditionRows(
  conditions: readonly Condition[],
  family: readonly Comparison[] | null,
): AccuracyRow[] {
  const judged = conditions.map((condition) => {
    const difference = differenceToBaseline(condition, conditions);
    const comparison = family?.find((member) => member.condition === condition) ?? null;
    const isJudged = condition.role === "arm" && difference && (!family || comparison);
    return {
      condition,
      difference,
      comparison,
      verdict: isJudged ? verdictOf({ difference, p: comparison?.p }) : null,
    };
  });
  const best = bestConditions(judged);
  return judged.map(({ condition, ...judgement }) => ({
    ...condition,
    ...judgement,
    seeds: condition.replicates.length,
    accuracy: (pick) => measureAccuracy(condition, pick),
    best: best.has(condition),
    measure: (pick) => measure(condition, pick),
  }));
}

function majorityRow(
  majority: Accuracy,
  conditions: readonly Condition[],
): AccuracyRow {
  const baseline = findBaseline(conditions);
  const bySeed = overallBySeed(baseline ?? { replicates: [] });
  const constant = new Map(
    [...bySeed.keys()].map((seed) => [seed, majority.overall]),
  );
  return {
    role: "majority",
    arm: "majority answer",
    lambda: 0,
    stage: baseline?.stage ?? conditions[0].stage,
    seeds: null,
    accuracy: (pick) => {
      const value = pick(majority);
      return value === null ? null : { n: 1, mean: value, sd: null, interval: null };
    },
    difference: pairedDifference(bySeed, constant),
    comparison: null,
    verdict: null,
    best: false,
    measure: () => null,
  };
}

/** What the controls are, by role. */
const CONTROLS: Record<Exclude<Condition["role"], "arm">, string> = {
  "question-only": "The question-only control is trained and tested with one constant picture.",
  "shuffled-images":
    "The shuffled-images control is trained and tested with each picture in the place of another.",
  "random-encoder": "The random-encoder control looks through the same tower with random weights.",
  "random-llm": "The random-llm control speaks through the same decoder with random weights.",
};

/** What the numbers are, by whether several people have answered each question. */
const SCORES = {
  "one answer":
    "Percent of test questions whose generated answer equals the true one, case and punctuation aside",
  "several people":
    "VQA accuracy in percent, by the official rule (arXiv 1505.00468): an answer counts wholly if three other people " +
    "gave it, a third or two thirds if one or two did, as the mean over the people asked; for training and for " +
    "overlap of words the true answer is the one that most gave",
};

const EMBEDDING_LEGEND =
  "The last columns are of the projected image tokens Z = P1(x): the mean cosine of all pairs (1: all point the same " +
  "way), how many directions carry their variance, and the arm's own loss on them, L_cos; that of self-distillation is low too where all tokens point one way";

/** Which rows have a verdict, and what it takes. */
function verdictLegend(family: readonly Comparison[] | null): string {
  if (family === null) {
    return `A verdict needs ${SEEDS_FOR_A_VERDICT} seeds and an interval without 0; otherwise we cannot tell.`;
  }
  const number = family.length === 1 ? "one comparison" : `${count(family.length)} comparisons`;
  return `Verdicts are of the ${number} that the study fixed before it ran. Their p is that of a ` +
    "paired t test over seeds, two-sided, adjusted by Holm's procedure; a verdict needs " +
    `${SEEDS_FOR_A_VERDICT} seeds and an adjusted p below ${SIGNIFICANCE_LEVEL}, otherwise we cannot tell.`;
}

const DETECTABLE_LEGEND =
  "Detectable is the smallest true difference, in points, that this number of seeds finds with 80 % and 90 % " +
  "power, given the spread of the differences, which so few seeds say roughly: of five within a factor of 0.6 to 2.9 (95 %)";

/** At which level differences are detectable. */
function detectableLevel(family: readonly Comparison[] | null): string {
  if (family === null) return "";
  return ", at the level of Holm's first step" +
    (family.some(({ tried }) => tried > 1)
      ? " over the number of λ that the arm's was chosen from"
      : "");
}

function legend(
  majority: Accuracy,
  conditions: readonly Condition[],
  family: readonly Comparison[] | null,
  bold: boolean,
): string {
  const sizes = Object.entries(majority.byType).sort(([a], [b]) => a < b ? -1 : 1);
  const total = sizes.reduce((sum, [, { n }]) => sum + n, 0);
  const oneSeed = conditions.every(({ replicates }) => replicates.length < 2);
  return [
    `${SCORES[isScored(conditions) ? "several people" : "one answer"]}, on ${
      count(total)
    } test questions (${inWords(sizes.map(([type, { n }]) => `${type} ${count(n)}`))}).`,
    oneSeed
      ? "There is one seed only: no spread and no interval can be given."
      : "Mean ± half the width of its 95 % interval over seeds. Differences are percentage points at the same seeds, " +
        "with their own interval, which may be narrower. Intervals are Student's t over seeds, not adjusted for the " +
        "number of comparisons; they hold for these training and test pictures, which all seeds share.",
    verdictLegend(family),
    ...(conditions.some(({ replicates }) => replicates.length >= SEEDS_FOR_A_VERDICT)
      ? [`${DETECTABLE_LEGEND}${detectableLevel(family)}.`]
      : []),
    ...Object.entries(CONTROLS).flatMap(([control, text]) =>
      conditions.some(({ role }) => role === control) ? [text] : []
    ),
    "The majority answer is the commonest training answer to the same question text.",
    ...(bold ? ["Bold: the best of its stage, where the verdicts tell it from the baseline."] : []),
    `${EMBEDDING_LEGEND}.`,
  ].join(" ") + "\n";
}

function ceilingNote(
  types: readonly string[],
  conditions: readonly Condition[],
): string {
  const baseline = findBaseline(conditions);
  if (baseline === undefined) return "";
  const parts: [string, Summary | null][] = [
    ["overall", measureAccuracy(baseline, ({ overall }) => overall)],
    ...types.map((type): [string, Summary | null] => [
      type,
      measureAccuracy(baseline, (accuracy) => accuracyOfType(accuracy, type)),
    ]),
  ];
  const full = parts.flatMap(([name, summary]) =>
    summary !== null && summary.mean > CEILING
      ? [`${name} (${fixed(100 * summary.mean, 1)} %)`]
      : []
  );
  if (full.length === 0) return "";
  return `**At ceiling:** baseline exceeds ${fixed(100 * CEILING, 0)} % on ${inWords(full)}, ` +
    "which leaves the other arms no room to be better there.\n";
}
