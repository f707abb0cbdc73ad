/**
 * Histogram of the cosines of pairs of image tokens, before P1 and behind it.
 */
import { averagePoints, geometriesOf } from "./condition_points.ts";
import type { Condition } from "./conditions.ts";
import type { Figure } from "./figures.ts";
import { type ChartSeries, lineChart } from "./line_chart.ts";

const TITLE = "Cosines between image tokens, before and behind P1";

/**
 * The figure; null where no condition has the numbers. Lines are means over the runs of an arm, bands
 * reach from the lowest run to the highest; the dashed line is x, which all arms share.
 *
 * @param conditions arms, the number of each its colour
 */
export function cosineHistogram(conditions: readonly Condition[]): Figure | null {
  const lines: ChartSeries[] = conditions.map((condition, hue) => ({
    name: `Z, ${condition.name}`,
    hue,
    points: averagePoints(geometriesOf(condition).map(({ cosines }) => sharePoints(cosines.Z))),
  }));
  const first = conditions.map(geometriesOf).find((runs) => runs.length > 0);
  if (first === undefined) return null;
  const before = averagePoints(first.map(({ cosines }) => sharePoints(cosines.X)));
  const series = [{ name: "X, before P1", hue: null, points: before }, ...lines];
  return {
    file: "cosine_histogram.svg",
    title: TITLE,
    ...lineChart({
      title: TITLE,
      xLabel: "Cosine of two tokens (no unit)",
      yLabel: "Pairs of tokens (% in a bin)",
      series: withoutEmptyEnds(series.filter(({ points }) => points.length > 0)),
    }),
  };
}

/** Points at the middles of the bins, in percent. */
function sharePoints(shares: readonly number[]): { x: number; y: number }[] {
  const width = 2 / shares.length;
  return shares.map((share, i) => ({ x: -1 + width * (i + 0.5), y: 100 * share }));
}

/** Without the bins at both ends in which no line has a pair, but for one that shows it. */
function withoutEmptyEnds(series: readonly ChartSeries[]): ChartSeries[] {
  const filled = series.flatMap(({ points }) =>
    points.flatMap(({ high }, i) => high > 0 ? [i] : [])
  );
  const from = Math.max(0, Math.min(...filled) - 1), to = Math.max(...filled) + 2;
  return series.map((line) => ({ ...line, points: line.points.slice(from, to) }));
}
