/**
 * Accuracy over lambda: a line for every arm that ran at several.
 */
import { lambdaSlope } from "../evaluation/lambda_slope.ts";
import { leastSquares } from "../evaluation/least_squares.ts";
import { conditionColumns, pointsColumns } from "./condition_columns.ts";
import type { Figure } from "./figures.ts";
import { NOTE_CHARTS } from "./note_charts.ts";
import { count, fixed, inWords, signed } from "./number_format.ts";
import type { Sweep } from "./sweeps.ts";
import { table } from "./table.ts";

const FIGURE_TEXT =
  "Points are means over the seeds of a λ, with a rule from the lowest run to the highest; lines are fitted to the " +
  "points. Beside them the points of the founding note's charts (cosine constraint of 14 March 2025, " +
  "self-distillation of 13 March 2025), read off the plots, with their lines.\n";

/**
 * The table with what it says, then each figure as a relative link; empty where no arm ran at several
 * lambdas above 0.
 */
export function sweepTable(sweeps: readonly Sweep[], figures: readonly Figure[]): string {
  const rows = sweeps.map(({ condition, points }) => ({
    ...condition,
    lambdas: [...new Set(points.map(({ lambda }) => lambda))],
    ...lambdaSlope(points),
  }));
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
    FIGURE_TEXT,
    ...figures.map(({ file, title }) => `![${title}](figures/${file})\n`),
  ].join("\n");
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
