import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import { exampleRun } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { sweepCharts } from "./sweep_chart.ts";
import { sweepsOf } from "./sweeps.ts";

const runs = [1, 2].flatMap((seed) => [
  exampleRun({ seed, color: 0.5, yesNo: 0.5 }),
  ...[1, 2].map((lambda) =>
    exampleRun({
      ...{ seed, arm: "a", lambda, color: 0.5 + 0.1 * lambda + 0.01 * seed },
      yesNo: 0.5 + 0.1 * lambda + 0.01 * seed,
    })
  ),
]);
const charts = () => sweepCharts(sweepsOf(groupRuns(runs)));
const shown = (svg: string) =>
  [...parseHTML(svg).document.querySelectorAll("text")].map((node) => node.textContent);

Deno.test("a sweep has a point for every lambda with its range, and a line", () => {
  const [{ file, svg, values }] = charts();
  assert.equal(file, "accuracy_over_lambda.svg");
  assert.deepEqual(values.map(({ text }) => text.split("\n").slice(1)), [
    ["λ: 0", "VQA accuracy (% of test questions): 50"],
    ["λ: 1", "VQA accuracy (% of test questions): 61.5", "range 61 to 62"],
    ["λ: 2", "VQA accuracy (% of test questions): 71.5", "range 71 to 72"],
  ]);
  const { document } = parseHTML(svg);
  assert.equal(document.querySelectorAll("[aria-label=dot] circle").length, 3);
  assert.equal(document.querySelectorAll("[aria-label=line] path").length, 1);
  assert.equal(document.querySelectorAll("[aria-label=rule] line").length, 2);
  for (const text of ["Accuracy over λ", "Weight λ of L_cos (no unit)"]) {
    assert.ok(shown(svg).includes(text), text);
  }
});

Deno.test("the note's charts stand beside it with their R²", () => {
  const [, { svg, values }] = charts();
  assert.equal(values.length, 18 + 23);
  assert.ok(shown(svg).includes("self-distillation, R² 0.865"));
  assert.ok(shown(svg).includes("cosine constraint, R² 0.002"));
});

Deno.test("the same runs give the same bytes, and without a sweep there is no chart", () => {
  assert.deepEqual(charts().map(({ svg }) => svg), charts().map(({ svg }) => svg));
  for (const { svg } of charts()) assert.doesNotMatch(svg, /NaN|undefined|\d\.\d{4,}/);
  assert.deepEqual(sweepCharts(sweepsOf(groupRuns([exampleRun()]))), []);
});
