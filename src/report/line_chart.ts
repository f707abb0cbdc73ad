/**
 * Line charts as SVG text.
 *
 * The background is transparent and every colour is a mid-tone with a contrast of at least 3 to 1
 * on white and on near-black: a picture that Markdown embeds cannot see the page's colours.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

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
  /** Drawn in this order, later ones on top. */
  series: ChartSeries[];
}

const INK = "#767f8c";
const PALETTE = [
  "#2f81d6",
  "#c9701a",
  "#2b9a66",
  "#a05fd0",
  "#d6455d",
  "#1a94a3",
  "#cf5aa8",
  "#8b8b1f",
];
const DASHES = [undefined, "7 3", "2 3"];

const WIDTH = 760;
const PLOT_HEIGHT = 300;
const MARGIN = { left: 56, right: 20, bottom: 46 };
const TITLE_HEIGHT = 30;
const LEGEND_ROW = 20;
const AXIS_LABEL_HEIGHT = 30;
const FONT_SIZE = 12;

/**
 * Draws the chart. The same chart gives the same text, byte for byte.
 *
 * @throws {RangeError} when no series has a point
 */
export function lineChart(
  { title, xLabel, yLabel, series }: LineChart,
): string {
  if (series.every(({ points }) => points.length === 0)) {
    throw new RangeError(`Cannot draw "${title}": it has no points`);
  }
  const styles = series.map(seriesStyle);
  const legend = legendLayout(series);
  const legendRows = 1 + Math.max(...legend.map(({ row }) => row));
  const marginTop = TITLE_HEIGHT + legendRows * LEGEND_ROW + AXIS_LABEL_HEIGHT;
  // Offsets of marks in the top margin are counted from the top of the frame.
  const inMargin = (y: number) => y - marginTop;

  const { document } = parseHTML("<html></html>");
  const svg = Plot.plot({
    document: document as unknown as Document,
    className: "chart",
    width: WIDTH,
    height: marginTop + PLOT_HEIGHT + MARGIN.bottom,
    marginTop,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    style: {
      color: INK,
      fontSize: `${FONT_SIZE}px`,
      background: "transparent",
    },
    x: { label: xLabel, labelArrow: "none", labelAnchor: "center", ticks: 8 },
    y: { label: null, grid: true, nice: true, ticks: 6 },
    marks: [
      Plot.text([title], {
        frameAnchor: "top-left",
        textAnchor: "start",
        dx: -MARGIN.left + 4,
        dy: inMargin(6),
        fontSize: 16,
        fontWeight: 600,
      }),
      Plot.text([yLabel], {
        frameAnchor: "top-left",
        textAnchor: "start",
        dx: -MARGIN.left + 4,
        dy: inMargin(TITLE_HEIGHT + legendRows * LEGEND_ROW + 4),
      }),
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
      ...series.map(({ name }, i) =>
        Plot.text([name], {
          frameAnchor: "top-left",
          textAnchor: "start",
          dx: legend[i].x + LEGEND_SWATCH,
          dy: inMargin(TITLE_HEIGHT + legend[i].row * LEGEND_ROW),
        })
      ),
      (_index, _scales, _channels, _dimensions, context) => {
        const group = context.document.createElementNS(SVG, "g");
        group.setAttribute("aria-hidden", "true");
        legend.forEach(({ x, row }, i) => {
          const left = MARGIN.left + x;
          const swatch = context.document.createElementNS(SVG, "path");
          swatch.setAttribute(
            "d",
            `M${left},${TITLE_HEIGHT + row * LEGEND_ROW + FONT_SIZE / 2}h22`,
          );
          swatch.setAttribute("stroke", styles[i].color);
          swatch.setAttribute("stroke-width", "3");
          const { dash } = styles[i];
          if (dash) swatch.setAttribute("stroke-dasharray", dash);
          group.append(swatch);
        });
        return group as SVGElement;
      },
    ],
  });
  svg.setAttribute("xmlns", SVG);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  return roundCoordinates(svg.outerHTML) + "\n";
}

const SVG = "http://www.w3.org/2000/svg";
const LEGEND_SWATCH = 28;

function seriesStyle({ hue }: ChartSeries): { color: string; dash?: string } {
  if (hue === null) return { color: INK, dash: "3 4" };
  return {
    color: PALETTE[hue % PALETTE.length],
    dash: DASHES[Math.floor(hue / PALETTE.length) % DASHES.length],
  };
}

/** Places the legend's entries in rows. There is no font to measure, so widths are estimated. */
function legendLayout(
  series: readonly ChartSeries[],
): { x: number; row: number }[] {
  const available = WIDTH - MARGIN.left - MARGIN.right;
  let x = 0, row = 0;
  return series.map(({ name }) => {
    const width = LEGEND_SWATCH + name.length * FONT_SIZE * 0.6 + 18;
    if (x > 0 && x + width > available) {
      x = 0;
      row++;
    }
    const place = { x, row };
    x += width;
    return place;
  });
}

/** Three decimals are finer than a pixel, and hide the last bits in which platforms may differ. */
function roundCoordinates(svg: string): string {
  return svg.replace(
    /\d+\.\d{4,}/g,
    (digits) => String(Number(Number(digits).toFixed(3))),
  );
}
