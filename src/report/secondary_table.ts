/**
 * Statistics beside the primary test: of the seeds without a normal distribution, and of the
 * questions, which do not see the seeds' noise.
 */
import { bootstrapInterval } from "../evaluation/bootstrap.ts";
import { clusteredMean } from "../evaluation/clustered.ts";
import { interquartileMean } from "../evaluation/interquartile_mean.ts";
import type { Interval } from "../evaluation/intervals.ts";
import { mcNemar } from "../evaluation/mcnemar.ts";
import { probabilityOfImprovement } from "../evaluation/probability_of_improvement.ts";
import { conditionColumns, seedCount } from "./condition_columns.ts";
import { baselineOf, type Condition, overallBySeed } from "./conditions.ts";
import type { Comparison } from "./family.ts";
import { fixed, pointsInterval, probability, signed } from "./number_format.ts";
import { type QuestionDifference, questionDifferences } from "./question_differences.ts";
import { type Column, table } from "./table.ts";

/** An estimate with its interval. */
interface Estimate {
  value: number;
  interval: Interval;
}

interface SecondaryRow extends Condition {
  /** Over seeds; null for one seed. */
  iqm: Estimate | null;
  improvement: Estimate | null;
  /** Over questions; null where the records name no pictures. */
  questions: ReturnType<typeof clusteredMean> | null;
  /** Null unless there is one seed and every picture has one question. */
  mcNemar: number | null;
}

/**
 * The table of the compared arms and their baselines with what it says; empty where nothing but the
 * primary statistics can be given.
 *
 * @param family the comparisons that have a verdict; null where every arm has one
 */
export function secondaryTable(
  conditions: readonly Condition[],
  family: readonly Comparison[] | null,
): string {
  const arms = conditions.filter(({ role }) => role === "arm");
  const shown = family
    ? arms.filter((condition) =>
      baselineOf(condition, conditions) === condition ||
      family.some((member) => member.condition === condition)
    )
    : arms;
  const rows = shown.map((condition) => secondaryRow(condition, baselineOf(condition, conditions)));
  const blocks = [seedColumns(rows), questionColumns(rows)].filter(({ empty }) => !empty);
  if (blocks.length === 0) return "";
  return [
    `Beside the primary test over seeds; none of these decides a verdict, and none is adjusted. ${
      blocks.map(({ legend }) => legend).join(" ")
    }\n`,
    table<SecondaryRow>([
      ...conditionColumns(rows),
      seedCount,
      ...blocks.flatMap(({ columns }) => columns),
    ], rows),
  ].join("\n");
}

function secondaryRow(condition: Condition, baseline: Condition | undefined): SecondaryRow {
  const accuracies = ({ replicates }: Condition) => [...overallBySeed({ replicates }).values()];
  const own = accuracies(condition);
  const compared = baseline === condition ? undefined : baseline;
  const others = compared ? accuracies(compared) : [];
  const several = own.length > 1;
  const differences = compared ? questionDifferences(condition, compared) : null;
  const answered = differences && differences.length > 1 ? differences : null;
  return {
    ...condition,
    iqm: several
      ? {
        value: interquartileMean(own),
        interval: bootstrapInterval([own], ([drawn]) => interquartileMean(drawn)),
      }
      : null,
    improvement: several && others.length > 1
      ? {
        value: probabilityOfImprovement(own, others),
        interval: bootstrapInterval(
          [own, others],
          ([a, b]) => probabilityOfImprovement(a, b),
        ),
      }
      : null,
    questions: answered && clusteredMean(
      answered.map(({ difference, image }) => ({ value: difference, cluster: image })),
    ),
    mcNemar: answered && own.length === 1 && others.length === 1 ? exactP(answered) : null,
  };
}

/**
 * McNemar's p; null where a picture has several questions, which are not independent, or answers are
 * not just right or wrong.
 */
function exactP(answered: readonly QuestionDifference[]): number | null {
  if (new Set(answered.map(({ image }) => image)).size < answered.length) return null;
  if (!answered.every(({ difference }) => Number.isInteger(difference))) return null;
  const count = (sign: number) => answered.filter(({ difference }) => difference === sign).length;
  return mcNemar(count(1), count(-1));
}

/** Columns that belong together, with what they mean. */
interface Block {
  empty: boolean;
  legend: string;
  columns: Column<SecondaryRow>[];
}

function seedColumns(rows: readonly SecondaryRow[]): Block {
  const percent = (value: number) => fixed(100 * value, 1);
  return {
    empty: rows.every(({ iqm }) => iqm === null),
    legend:
      "Over seeds (Agarwal and others 2021): IQM is the mean accuracy, in percent, without the " +
      "lowest and the highest quarter of the seeds; P(better) is the chance that a run of the arm beats a run of the " +
      "baseline. Their 95 % intervals come from 2,000 bootstrap resamples of the seeds of each arm, and are too " +
      "narrow where seeds are few.",
    columns: [
      {
        header: "IQM",
        align: "right",
        cell: ({ iqm }) => iqm && percent(iqm.value),
      },
      {
        header: "95 % of IQM",
        align: "right",
        cell: ({ iqm }) => iqm && between(iqm.interval, percent),
      },
      {
        header: "P(better)",
        align: "right",
        cell: ({ improvement }) => improvement && fixed(improvement.value, 2),
      },
      {
        header: "95 % of P(better)",
        align: "right",
        cell: ({ improvement }) =>
          improvement && between(improvement.interval, (value) => fixed(value, 2)),
      },
    ],
  };
}

function questionColumns(rows: readonly SecondaryRow[]): Block {
  return {
    empty: rows.every(({ questions }) => questions === null),
    legend:
      "Over questions, blind to seed noise: difference to the baseline in points, mean over these seeds, with " +
      "a standard error that takes the questions of a picture together (cluster-robust), its 95 % t interval and p. " +
      "They say what other questions would show of these very models, not what other seeds would." +
      (rows.some(({ mcNemar }) => mcNemar !== null)
        ? " McNemar's test is exact, on one seed and one question a picture."
        : ""),
    columns: [
      {
        header: "Difference",
        align: "right",
        cell: ({ questions }) => questions && signed(100 * questions.mean, 2),
      },
      {
        header: "Clustered error",
        align: "right",
        cell: ({ questions }) => questions && fixed(100 * questions.standardError, 2),
      },
      {
        header: "95 % over questions",
        align: "right",
        cell: ({ questions }) => questions && pointsInterval(questions.interval),
      },
      {
        header: "p over questions",
        align: "right",
        cell: ({ questions }) => questions?.p == null ? null : probability(questions.p),
      },
      {
        header: "p, McNemar",
        align: "right",
        cell: ({ mcNemar }) => mcNemar === null ? null : probability(mcNemar),
      },
    ],
  };
}

function between({ low, high }: Interval, format: (value: number) => string): string {
  return `${format(low)} to ${format(high)}`;
}
