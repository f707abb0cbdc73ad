import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import { exampleGeometry, exampleRuns, exampleStudy } from "../records/example_records.ts";
import { INK, markStyle } from "./chart_frame.ts";
import { renderReport } from "./report.ts";

/** Contrast of two colours, from 1 to 21 (WCAG 2.2, relative luminance). */
function contrast(a: string, b: string): number {
  const luminance = (color: string) => {
    const [red, green, blue] = color.match(/[0-9a-f]{2}/g)!
      .map((part) => parseInt(part, 16) / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** As many as there are before dashes tell lines apart. */
const COLORS = Array.from({ length: 8 }, (_, hue) => markStyle(hue).color);

Deno.test("lines and text stand out from a white and from a near-black page", () => {
  assert.equal(new Set(COLORS).size, COLORS.length);
  for (const color of [INK, ...COLORS]) {
    for (const page of ["#ffffff", "#0d1117"]) {
      const ratio = contrast(color, page);
      assert.ok(ratio >= 3, `${color} on ${page}: ${ratio.toFixed(2)}`);
    }
  }
});

Deno.test("every figure of a report has its title, both axis labels, and colours for any page", () => {
  const runs = exampleRuns([1, 2]).map((run) => ({ ...run, geometry: exampleGeometry() }));
  const { figures } = renderReport(exampleStudy(), runs);
  const component = (number: number, percent: string) =>
    `Principal component ${number} of unit rows (${percent} % of the variance)`;
  const map = [component(1, "75.0"), component(2, "12.5")];
  const LABELS: Record<string, string[]> = {
    "token_loss.svg": ["Optimiser step", "L_TP, mean cross-entropy (nats per answer token)"],
    "cosine_loss.svg": ["Optimiser step", "L_cos before λ (1 − cosine, no unit)"],
    "validation_accuracy.svg": ["Optimiser step", "VQA accuracy (% of validation questions)"],
    "cosine_histogram.svg": ["Cosine of two tokens (no unit)", "Pairs of tokens (% in a bin)"],
    "spectrum.svg": [
      "Rank of the singular value",
      "Singular value (share of the largest, logarithmic)",
    ],
    "token_map_baseline.svg": map,
    "token_map_cosine-constraint.svg": map,
    "token_map_self-distillation.svg": map,
  };
  assert.deepEqual(Object.keys(figures).sort(), Object.keys(LABELS).sort());
  const allowed = new Set(["none", "currentColor", INK, ...COLORS]);
  for (const [file, svg] of Object.entries(figures)) {
    const { document } = parseHTML(svg);
    const root = document.querySelector("svg")!;
    const texts = [...root.querySelectorAll("text")].map(({ textContent }) => textContent);
    for (const text of [root.getAttribute("aria-label")!, ...LABELS[file]]) {
      assert.ok(texts.includes(text), `${file} does not say "${text}"`);
    }
    const colors = ["fill", "stroke"].flatMap((name) =>
      [...root.querySelectorAll(`[${name}]`)].map((element) => element.getAttribute(name)!)
    );
    assert.deepEqual(colors.filter((color) => !allowed.has(color)), [], file);
    assert.match(root.getAttribute("style")!, /background: ?transparent/);
  }
});
