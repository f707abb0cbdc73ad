/**
 * Line charts as SVG text.
 */
import * as Plot from "@observablehq/plot";
import { type ChartValue, drawChart, type DrawnChart, markStyle } from "./chart_frame.ts";
import { rounded } from "./number_format.ts";

/** One point of a line: its value and the range of the band around it. */
export interface ChartPoint {
  /** Position along the horizontal axis. */
  x: number;
  /** Height of the line. */
  y: number;
  /** Lower edge of the band. */
  low: number;
  /** Upper edge of the band. */
  high: number;
}

/** One line with its name in the legend. */
export interface ChartSeries {
  /** Its name in the legend. */
  name: string;
  /** By ascending x. */
  points: ChartPoint[];
  /** Number of its colour, the same in every chart; null for a reference, drawn grey and dashed. */
  hue: number | null;
}

/** What a line chart shows. Labels name the quantity and its unit. */
export interface LineChart {
  /** Heading above the legend. */
  title: string;
  /** Label of the horizontal axis. */
  xLabel: string;
  /** Label of the vertical axis. */
  yLabel: string;
  /** Of the vertical axis. Default: linear. */
  scale?: "linear" | "log";
  /** Drawn in this order, later ones on top. */
  series: ChartSeries[];
}

/**
 * Draws the chart. The same chart gives the same text, byte for byte.
 *
 * @throws {RangeError} when no series has a point
 */
export function lineChart(
  { title, xLabel, yLabel, scale = "linear", series }: LineChart,
): DrawnChart {
  if (series.every(({ points }) => points.length === 0)) {
    throw new RangeError(`Cannot draw "${title}": it has no points`);
  }
  const styles = series.map(({ hue }) => markStyle(hue));
  return drawChart({
    title,
    xLabel,
    yLabel,
    legend: series.map(({ name }, i) => ({ name, ...styles[i] })),
    y: scale === "log" ? { type: "log", tickFormat: "~g" } : { nice: true },
    marks: [
      ...series.map(({ points }, i) =>
        Plot.areaY(points, {
          x: "x",
          y1: "low",
          y2: "high",
          fill: styles[i].color,
          fillOpacity: 0.15,
        })
      ),
      ...series.map(({ points }, i) =>
        Plot.lineY(points, {
          x: "x",
          y: "y",
          stroke: styles[i].color,
          strokeWidth: 2,
          strokeDasharray: styles[i].dash,
        })
      ),
    ],
    values: series.flatMap(({ name, points }) =>
      points.map(({ x, y, low, high }): ChartValue => ({
        x,
        y,
        text: [
          name,
          `${xLabel}: ${rounded(x)}`,
          `${yLabel}: ${rounded(y)}`,
          ...(low < high ? [`range ${rounded(low)} to ${rounded(high)}`] : []),
        ].join("\n"),
      }))
    ),
  });
}
