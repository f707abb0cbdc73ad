/**
 * Singular values of image tokens, before P1 and behind it: a steep line is a collapse onto few
 * directions.
 */
import { averagePoints, geometriesOf } from "./condition_points.ts";
import type { Condition } from "./conditions.ts";
import type { Figure } from "./figures.ts";
import { lineChart } from "./line_chart.ts";

const TITLE = "Singular values of image tokens, before and behind P1";

/** Below this share of the largest a singular value is rounding noise of its Gram matrix. */
const NOISE = 1e-7;

/**
 * The figure; null where no condition has the numbers. Lines are means over the runs of an arm, bands
 * reach from the lowest run to the highest; the dashed line is x, which all arms share.
 *
 * @param conditions arms, the number of each its colour
 */
export function spectrumChart(conditions: readonly Condition[]): Figure | null {
  const first = conditions.map(geometriesOf).find((runs) => runs.length > 0);
  if (first === undefined) return null;
  const points = (spectra: readonly [rank: number, value: number][][]) =>
    averagePoints(
      spectra.map((spectrum) =>
        spectrum.filter(([, value]) => value > NOISE).map(([x, y]) => ({ x, y }))
      ),
    );
  const series = [
    { name: "X, before P1", hue: null, points: points(first.map(({ spectrum }) => spectrum.X)) },
    ...conditions.map((condition, hue) => ({
      name: `Z, ${condition.name}`,
      hue,
      points: points(geometriesOf(condition).map(({ spectrum }) => spectrum.Z)),
    })),
  ].filter(({ points }) => points.length > 0);
  if (series.length === 0) return null;
  return {
    file: "spectrum.svg",
    title: TITLE,
    ...lineChart({
      title: TITLE,
      xLabel: "Rank of the singular value",
      yLabel: "Singular value (share of the largest, logarithmic)",
      scale: "log",
      series,
    }),
  };
}
