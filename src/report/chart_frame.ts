/**
 * What all charts share: size, fonts, colours, title, axis labels and legend, as SVG text.
 *
 * The background is transparent and every colour is a mid-tone with a contrast of at least 3 to 1
 * on white and on near-black: a picture that Markdown embeds cannot see the page's colours.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** How a kind of mark is drawn. */
export interface MarkStyle {
  color: string;
  /** Lengths of dashes and gaps; none where the line is whole. */
  dash?: string;
}

/** An entry of the legend. */
export interface LegendEntry extends MarkStyle {
  name: string;
}

/** A chart without its scales' domains, which the marks give. */
export interface Chart {
  /** Heading above the legend. */
  title: string;
  /** Label of the horizontal axis. */
  xLabel: string;
  /** Label of the vertical axis. */
  yLabel: string;
  legend: LegendEntry[];
  /** Of the plot itself, in pixels. Default: 300. */
  plotHeight?: number;
  /** What the horizontal scale has besides its label. */
  x?: Plot.ScaleOptions;
  /** What the vertical scale has besides its label. */
  y?: Plot.ScaleOptions;
  /** Drawn in this order, later ones on top. */
  marks: Plot.Markish[];
  /** What is said of single points, in the chart's own units. */
  values: ChartValue[];
}

/** A point of a chart and what is said of it. */
export interface ChartValue {
  /** Position along the horizontal axis: in the chart's units, once drawn in pixels of the SVG. */
  x: number;
  /** Position along the vertical axis, likewise. */
  y: number;
  /** Names and values, a line each. */
  text: string;
}

/** A chart as it is drawn. */
export interface DrawnChart {
  /** The SVG file's text. */
  svg: string;
  /** Its points, placed in pixels of the SVG, for a page that shows them. */
  values: ChartValue[];
}

/** Of text, and of what is only there for reference. */
export const INK = "#767f8c";

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
const SVG = "http://www.w3.org/2000/svg";
const LEGEND_SWATCH = 28;

/** Width of the plot itself, in pixels. */
export const PLOT_WIDTH = WIDTH - MARGIN.left - MARGIN.right;

/** The style of a colour's number, the same in every chart; of null, that of a reference. */
export function markStyle(hue: number | null): MarkStyle {
  if (hue === null) return { color: INK, dash: "3 4" };
  return {
    color: PALETTE[hue % PALETTE.length],
    dash: DASHES[Math.floor(hue / PALETTE.length) % DASHES.length],
  };
}

/** Draws the chart. The same chart gives the same text, byte for byte. */
export function drawChart(
  { title, xLabel, yLabel, legend, plotHeight = PLOT_HEIGHT, x, y, marks, values }: Chart,
): DrawnChart {
  const places = legendLayout(legend);
  const legendRows = 1 + Math.max(...places.map(({ row }) => row));
  const marginTop = TITLE_HEIGHT + legendRows * LEGEND_ROW + AXIS_LABEL_HEIGHT;
  // Offsets of marks in the top margin are counted from the top of the frame.
  const inMargin = (y: number) => y - marginTop;

  const { document } = parseHTML("<html></html>");
  const svg = Plot.plot({
    document: document as unknown as Document,
    className: "chart",
    width: WIDTH,
    height: marginTop + plotHeight + MARGIN.bottom,
    marginTop,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    style: {
      color: INK,
      fontSize: `${FONT_SIZE}px`,
      background: "transparent",
    },
    x: { label: xLabel, labelArrow: "none", labelAnchor: "center", ticks: 8, ...x },
    y: { label: null, grid: true, ticks: 6, ...y },
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
      ...marks,
      ...legend.map(({ name }, i) =>
        Plot.text([name], {
          frameAnchor: "top-left",
          textAnchor: "start",
          dx: places[i].x + LEGEND_SWATCH,
          dy: inMargin(TITLE_HEIGHT + places[i].row * LEGEND_ROW),
        })
      ),
      (_index, _scales, _channels, _dimensions, context) => {
        const group = context.document.createElementNS(SVG, "g");
        group.setAttribute("aria-hidden", "true");
        places.forEach(({ x, row }, i) => {
          const left = MARGIN.left + x;
          const swatch = context.document.createElementNS(SVG, "path");
          swatch.setAttribute(
            "d",
            `M${left},${TITLE_HEIGHT + row * LEGEND_ROW + FONT_SIZE / 2}h22`,
          );
          swatch.setAttribute("stroke", legend[i].color);
          swatch.setAttribute("stroke-width", "3");
          const { dash } = legend[i];
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
  const place = { x: svg.scale("x")!, y: svg.scale("y")! };
  return {
    svg: roundCoordinates(svg.outerHTML) + "\n",
    values: values.map((value) => ({
      x: place.x.apply(value.x),
      y: place.y.apply(value.y),
      text: value.text,
    })),
  };
}

/** Places the legend's entries in rows. There is no font to measure, so widths are estimated. */
function legendLayout(entries: readonly LegendEntry[]): { x: number; row: number }[] {
  let x = 0, row = 0;
  return entries.map(({ name }) => {
    const width = LEGEND_SWATCH + name.length * FONT_SIZE * 0.6 + 18;
    if (x > 0 && x + width > PLOT_WIDTH) {
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
