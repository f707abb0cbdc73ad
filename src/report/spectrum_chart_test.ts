import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import { exampleGeometry, exampleRun } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { spectrumChart } from "./spectrum_chart.ts";

const geometry = exampleGeometry();
const document = (svg: string) => parseHTML(svg).document;
const lines = (svg: string) =>
  [...document(svg).querySelectorAll("[aria-label=line] path")]
    .map((path) =>
      path.getAttribute("d")!.slice(1).split("L").map((p) => p.split(",").map(Number))
    );

Deno.test("singular values are drawn on a logarithmic axis, rounding noise left out", () => {
  const { file, title, svg } = spectrumChart(groupRuns([exampleRun({ geometry })]))!;
  assert.equal(file, "spectrum.svg");
  const shown = [...document(svg).querySelectorAll("text")].map((node) => node.textContent);
  for (
    const text of [
      title,
      "X, before P1",
      "Z, baseline",
      "Rank of the singular value",
      "Singular value (share of the largest, logarithmic)",
    ]
  ) assert.ok(shown.includes(text), text);
  const [x, z] = lines(svg);
  // 1, 1/2, 1/4 are equally far apart; of Z 1 and 1/8 are left, 1e-9 is noise.
  assert.equal(x.length, 3);
  assert.ok(Math.abs((x[1][1] - x[0][1]) - (x[2][1] - x[1][1])) < 0.01);
  assert.equal(z.length, 2);
  assert.ok(Math.abs((z[1][1] - z[0][1]) / (x[1][1] - x[0][1]) - 3) < 0.01);
  // The first half of 127 ranks is a little more than that of 63.
  assert.ok(Math.abs((z[1][0] - z[0][0]) / (x[1][0] - x[0][0]) - 2) < 0.01);
});

Deno.test("runs of one arm share a line", () => {
  const runs = [exampleRun({ geometry }), exampleRun({ seed: 2, geometry })];
  assert.equal(lines(spectrumChart(groupRuns(runs))!.svg).length, 2);
});

Deno.test("without numbers, or with none that is more than noise, there is no figure", () => {
  assert.equal(spectrumChart(groupRuns([exampleRun()])), null);
  const zero = { ...geometry, spectrum: { X: [[1, 0]], Z: [[1, 0]] } } as typeof geometry;
  assert.equal(spectrumChart(groupRuns([exampleRun({ geometry: zero })])), null);
});
