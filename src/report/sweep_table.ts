/**
 * Accuracy over lambda: a line for every arm that ran at several.
 */
import { lambdaSlope, type SweepPoint } from "../evaluation/lambda_slope.ts";
import { leastSquares } from "../evaluation/least_squares.ts";
import { conditionColumns, pointsColumns } from "./condition_columns.ts";
import { baselineOf, type Condition, overallBySeed } from "./conditions.ts";
import { NOTE_CHARTS } from "./note_charts.ts";
import { count, fixed, inWords, signed } from "./number_format.ts";
import { table } from "./table.ts";

/** The table with what it says; empty where no arm ran at several lambdas above 0. */
export function sweepTable(conditions: readonly Condition[]): string {
  const arms = Map.groupBy(
    conditions.filter(({ role }) => role === "arm"),
    ({ arm, round, stage }) => JSON.stringify([arm, round, stage]),
  );
  const rows = [...arms.values()]
    .filter((sweep) => sweep.filter(({ lambda }) => lambda > 0).length > 1)
    .map((sweep) => {
      const points = [...startOf(sweep, conditions), ...sweep].flatMap(pointsOf);
      const lambdas = [...new Set(points.map(({ lambda }) => lambda))];
      return { ...sweep[0], lambdas, ...lambdaSlope(points) };
    });
  if (rows.length === 0) return "";
  return [
    "Test accuracy over λ, points per unit of λ. Every seed has a line of its own through its runs, and the slope is " +
    "the mean of theirs with Student's t over seeds, not adjusted for the number of arms. The baseline is λ = 0 where " +
    "the arm has no run there and the same connector. R² is that of one line through all runs, and through the means " +
    `of each λ; it takes runs of one seed for independent. ${noteInWords()}\n`,
    table([
      // Every lambda is in the row.
      ...conditionColumns(rows).filter(({ header }) => header !== "λ"),
      { header: "λ", cell: ({ lambdas }) => lambdas.toSorted((a, b) => a - b).join(", ") },
      {
        header: "Seeds",
        align: "right",
        cell: ({ overSeeds }) => overSeeds && count(overSeeds.n),
      },
      ...pointsColumns<typeof rows[number]>("Slope", ({ overSeeds }) => overSeeds),
      {
        header: "R², all runs",
        align: "right",
        cell: ({ allRuns }) => allRuns && fixed(allRuns.rSquared, 3),
      },
      {
        header: "R², means",
        align: "right",
        cell: ({ means }) => means && fixed(means.rSquared, 3),
      },
    ], rows),
  ].join("\n");
}

/** The baseline, which every objective equals at lambda 0, where the arm has no run there itself. */
function startOf(sweep: readonly Condition[], conditions: readonly Condition[]): Condition[] {
  if (sweep.some(({ lambda }) => lambda === 0)) return [];
  const baseline = baselineOf(sweep[0], conditions);
  const connector = ({ replicates }: Condition) => replicates[0].runs[0].connector;
  return baseline && sweep[0].round === 0 && connector(baseline) === connector(sweep[0])
    ? [baseline]
    : [];
}

function pointsOf(condition: Condition): SweepPoint[] {
  return [...overallBySeed(condition)].map(([seed, accuracy]) => ({
    seed,
    lambda: condition.lambda,
    accuracy,
  }));
}

/** The lines through the digitised charts, for comparison. */
function noteInWords(): string {
  const lines = NOTE_CHARTS.map(({ objective, points }) => {
    const { slope, rSquared } = leastSquares(points)!;
    return `${signed(100 * slope, 2)} with R² ${fixed(rSquared, 3)} for ${objective}`;
  });
  return "Charts of the founding note, digitised, one seed a point, on validation questions of SLAKE: " +
    `${inWords(lines)}.`;
}
