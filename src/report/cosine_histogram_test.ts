import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import { exampleGeometry, exampleRun } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { cosineHistogram } from "./cosine_histogram.ts";

const shares = (entries: Record<number, number>) =>
  Array.from({ length: 40 }, (_, i) => entries[i] ?? 0);
const geometry = {
  ...exampleGeometry(),
  cosines: { X: shares({ 20: 0.25, 21: 0.75 }), Z: shares({ 38: 0.5, 39: 0.5 }) },
};
const texts = (svg: string) =>
  [...parseHTML(svg).document.querySelectorAll("text")].map((node) => node.textContent);
const lines = (svg: string) =>
  [...parseHTML(svg).document.querySelectorAll("[aria-label=line] path")]
    .map((path) => path.getAttribute("d")!.split("L"));

Deno.test("the histogram has a line before P1 and one behind it for every arm", () => {
  const arms = groupRuns([
    exampleRun({ geometry }),
    exampleRun({ arm: "a", lambda: 1, geometry }),
    exampleRun({ arm: "older", lambda: 1 }),
  ]);
  const { file, title, svg } = cosineHistogram(arms)!;
  assert.equal(file, "cosine_histogram.svg");
  const shown = texts(svg);
  for (
    const text of [
      title,
      "X, before P1",
      "Z, a (λ = 1)",
      "Z, baseline",
      "Cosine of two tokens (no unit)",
      "Pairs of tokens (% in a bin)",
    ]
  ) assert.ok(shown.includes(text), text);
  assert.ok(!shown.includes("Z, older (λ = 1)"));
  assert.equal(lines(svg).length, 3);
});

Deno.test("empty bins at the ends are left out, but for one", () => {
  const { svg } = cosineHistogram(groupRuns([exampleRun({ geometry })]))!;
  // Bins 19 to 39.
  assert.deepEqual(lines(svg).map((points) => points.length), [21, 21]);
});

Deno.test("the line is the mean over runs, in percent", () => {
  const other = { ...geometry, cosines: { ...geometry.cosines, Z: shares({ 38: 1 }) } };
  const one = cosineHistogram(groupRuns([exampleRun({ geometry })]))!;
  const two = cosineHistogram(
    groupRuns([exampleRun({ geometry }), exampleRun({ seed: 2, geometry: other })]),
  )!;
  const height = (svg: string, bin: number) => Number(lines(svg)[1][bin - 19].split(",")[1]);
  assert.equal(height(one.svg, 38), height(one.svg, 39));
  const place = (svg: string, bin: number) => height(svg, 30) - height(svg, bin);
  // Of one run a half, of the other all or nothing.
  assert.ok(Math.abs(place(two.svg, 38) / place(two.svg, 39) - 3) < 0.01);
});

Deno.test("without numbers there is no figure", () => {
  assert.equal(cosineHistogram(groupRuns([exampleRun()])), null);
});
