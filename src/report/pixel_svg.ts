/**
 * A small picture as SVG text: the same pixels give the same bytes, which no compressor promises.
 */
import type { Image } from "../data/dataset.ts";

/** Pixels on the page a side of one in the picture. */
const SCALE = 2;

/**
 * Draws every run of equal pixels in a row as a line, all lines of one colour in one path.
 *
 * @param title alternative text; plain
 */
export function pixelSvg({ width, height, data }: Image, title: string): string {
  const lines = new Map<string, string[]>();
  for (let y = 0; y < height; y++) {
    for (let x = 0, end = 0; x < width; x = end) {
      const color = colorAt(data, y * width + x);
      while (end < width && colorAt(data, y * width + end) === color) end++;
      const line = `M${x} ${y}.5h${end - x}`;
      lines.set(color, [...lines.get(color) ?? [], line]);
    }
  }
  const paths = [...lines].map(([color, runs]) => `<path stroke="${color}" d="${runs.join("")}"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${title}" ` +
    `width="${SCALE * width}" height="${SCALE * height}" viewBox="0 0 ${width} ${height}" ` +
    `shape-rendering="crispEdges">\n${paths.join("\n")}\n</svg>\n`;
}

function colorAt(data: Uint8Array, pixel: number): string {
  return `#${data.subarray(3 * pixel, 3 * pixel + 3).toHex()}`;
}
