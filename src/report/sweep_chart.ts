/**
 * Accuracy over lambda with regression lines: the sweeps of a study, and the note's own charts.
 */
import * as Plot from "@observablehq/plot";
import { mean } from "simple-statistics";
import { type FittedLine, leastSquares } from "../evaluation/least_squares.ts";
import { type ChartValue, drawChart, markStyle } from "./chart_frame.ts";
import type { Figure } from "./figures.ts";
import { NOTE_CHARTS } from "./note_charts.ts";
import { fixed, rounded } from "./number_format.ts";
import type { Sweep } from "./sweeps.ts";

/** What is drawn for one objective. */
interface Series {
  name: string;
  /** Accuracy in percent: mean over the runs of a lambda, the lowest and the highest. */
  points: { lambda: number; accuracy: number; low: number; high: number }[];
  /** Through the points; null at a single lambda. */
  line: FittedLine | null;
}

const OWN = {
  file: "accuracy_over_lambda.svg",
  title: "Accuracy over λ",
  yLabel: "VQA accuracy (% of test questions)",
};
const NOTE = {
  file: "accuracy_over_lambda_note.svg",
  title: "Accuracy over λ, founding note",
  yLabel: "VQA accuracy (% of validation questions of SLAKE)",
};

/** A chart of the sweeps and one of the note's points; none where there is no sweep. */
export function sweepCharts(sweeps: readonly Sweep[]): Figure[] {
  if (sweeps.length === 0) return [];
  return [
    sweepChart(
      OWN,
      sweeps.map(({ name, points }) => series(name, Map.groupBy(points, ({ lambda }) => lambda))),
    ),
    sweepChart(
      NOTE,
      // Each of its points stands for itself, also two at one lambda.
      NOTE_CHARTS.map(({ objective, points }) =>
        series(objective, points.map(([lambda, accuracy]) => [lambda, [{ accuracy }]] as const))
      ),
    ),
  ];
}

/** Points from the runs of each lambda, and the line through them. */
function series(
  name: string,
  runs: Iterable<readonly [lambda: number, runs: readonly { accuracy: number }[]]>,
): Series {
  const points = Array.from(runs, ([lambda, runs]) => {
    const percent = runs.map(({ accuracy }) => 100 * accuracy);
    return {
      lambda,
      accuracy: mean(percent),
      low: Math.min(...percent),
      high: Math.max(...percent),
    };
  });
  const line = leastSquares(points.map(({ lambda, accuracy }) => [lambda, accuracy] as const));
  return { name: line ? `${name}, R² ${fixed(line.rSquared, 3)}` : name, points, line };
}

function sweepChart(
  { file, title, yLabel }: typeof OWN,
  drawn: readonly Series[],
): Figure {
  const styles = drawn.map((_, hue) => markStyle(hue));
  return {
    file,
    title,
    ...drawChart({
      title,
      yLabel,
      xLabel: "Weight λ of L_cos (no unit)",
      legend: drawn.map(({ name }, i) => ({ name, ...styles[i] })),
      y: { nice: true },
      marks: drawn.flatMap(({ points, line }, i) => [
        Plot.ruleX(points.filter(({ low, high }) => low < high), {
          x: "lambda",
          y1: "low",
          y2: "high",
          stroke: styles[i].color,
          strokeOpacity: 0.4,
        }),
        Plot.dot(points, { x: "lambda", y: "accuracy", r: 3, fill: styles[i].color }),
        Plot.line(line ? endsOf(line, points) : [], {
          stroke: styles[i].color,
          strokeWidth: 1.5,
          strokeDasharray: styles[i].dash,
        }),
      ]),
      values: drawn.flatMap(({ name, points }) =>
        points.map(({ lambda, accuracy, low, high }): ChartValue => ({
          x: lambda,
          y: accuracy,
          text: [
            name,
            `λ: ${rounded(lambda)}`,
            `${yLabel}: ${rounded(accuracy)}`,
            ...(low < high ? [`range ${rounded(low)} to ${rounded(high)}`] : []),
          ].join("\n"),
        }))
      ),
    }),
  };
}

/** The line from the smallest lambda to the largest. */
function endsOf({ slope, intercept }: FittedLine, points: Series["points"]): [number, number][] {
  const lambdas = points.map(({ lambda }) => lambda);
  return [Math.min(...lambdas), Math.max(...lambdas)].map((x) => [x, intercept + slope * x]);
}
