/**
 * Image tokens among text tokens, on two principal components: do both kinds mix, or lie apart?
 */
import * as Plot from "@observablehq/plot";
import type { EmbeddingGeometry } from "../records/record.ts";
import { type ChartValue, drawChart, INK, markStyle, PLOT_WIDTH } from "./chart_frame.ts";
import type { Condition } from "./conditions.ts";
import type { Figure } from "./figures.ts";
import { fixed, rounded } from "./number_format.ts";

const PLOT_HEIGHT = 380;

/**
 * A map of one run; null where it has no numbers or nothing varies. Of arms that differ in lambda,
 * round and stage alone it is for the caller to choose one.
 *
 * @param hue number of the condition's colour
 */
export function tokenMap(condition: Condition, hue: number): Figure | null {
  const { geometry, seed } = condition.replicates[0].runs[0];
  if (geometry === undefined) return null;
  const { image, text, explained } = geometry.map;
  const domains = equalScales([...image, ...text]);
  if (domains === null) return null;
  const title = `Image tokens among text tokens, ${condition.name}, seed ${seed}`;
  const { color } = markStyle(hue);
  const axis = (number: number) =>
    `Principal component ${number} of unit rows (${
      fixed(100 * explained[number - 1], 1)
    } % of the variance)`;
  return {
    file: `token_map_${condition.arm}.svg`,
    title,
    ...drawChart({
      title,
      xLabel: axis(1),
      yLabel: axis(2),
      legend: [
        { name: `Z, ${image.length} image tokens`, color },
        { name: `T, ${text.length} text tokens`, color: INK },
      ],
      plotHeight: PLOT_HEIGHT,
      x: { domain: domains.x },
      y: { domain: domains.y },
      marks: [
        Plot.dot(image, { x: "0", y: "1", r: 2.5, fill: color, fillOpacity: 0.7 }),
        Plot.dot(text, { x: "0", y: "1", r: 3.5, stroke: INK, symbol: "times" }),
      ],
      values: [...named("image token", image), ...named("text token", text)],
    }),
  };
}

/** What is said of the points of one kind. */
function named(kind: string, points: EmbeddingGeometry["map"]["image"]): ChartValue[] {
  return points.map(([x, y]) => ({ x, y, text: `${kind}\n${rounded(x)}, ${rounded(y)}` }));
}

/** Domains in which a length is the same along both axes; null where all points are one. */
function equalScales(
  points: EmbeddingGeometry["map"]["image"],
): Record<"x" | "y", number[]> | null {
  const extent = (axis: 0 | 1) => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)];
  };
  const x = extent(0), y = extent(1);
  // A twentieth of room at each end.
  const unit = 1.1 * Math.max((x[1] - x[0]) / PLOT_WIDTH, (y[1] - y[0]) / PLOT_HEIGHT);
  if (!(unit > 0)) return null;
  const around = ([low, high]: number[], pixels: number) => [
    (low + high - unit * pixels) / 2,
    (low + high + unit * pixels) / 2,
  ];
  return { x: around(x, PLOT_WIDTH), y: around(y, PLOT_HEIGHT) };
}
