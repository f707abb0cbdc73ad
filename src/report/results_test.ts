import assert from "node:assert/strict";
import {
  exampleAccuracy,
  exampleGeometry,
  exampleRun,
  exampleRuns,
  exampleStudy,
} from "./example_records.ts";
import { buildResults, resultsText } from "./results.ts";

Deno.test("results hold every arm's run in the report's order, without the answers", () => {
  const results = buildResults(exampleStudy(), exampleRuns([2, 1]));
  assert.deepEqual(results.runs.map(({ arm, seed }) => [arm, seed]), [
    ["baseline", 1],
    ["baseline", 2],
    ["cosine-constraint", 1],
    ["cosine-constraint", 2],
    ["self-distillation", 1],
    ["self-distillation", 2],
  ]);
  const { answers: _, ...rest } = exampleRuns([1])[0];
  assert.deepEqual(results.runs[0], rest);
  assert.equal(results.adapter.description, "Example Adapter");
  assert.equal(results.study, "example");
});

Deno.test("results hold the embeddings' statistics, without the points of figures", () => {
  const record = exampleRun({ geometry: exampleGeometry() });
  const [{ geometry }] = buildResults(exampleStudy(), [record]).runs;
  const { X, Z, T, pairs, ridge, sampled } = exampleGeometry();
  assert.deepEqual(geometry, { X, Z, T, pairs, ridge, sampled });
});

Deno.test("the question-only accuracy is the mean over its seeds, the majority the study's", () => {
  const blind = (seed: number, color: number) =>
    exampleRun({ role: "question-only", arm: "question-only", seed, color, yesNo: 0.5 });
  const { controls } = buildResults(exampleStudy(), [exampleRun(), blind(1, 0.25), blind(2, 0.75)]);
  assert.equal(controls.questionOnly!.overall, 0.5);
  assert.deepEqual(controls.questionOnly!.byType, {
    color: { accuracy: 0.5, n: 100 },
    "yes/no": { accuracy: 0.5, n: 200 },
  });
  assert.deepEqual(controls.majority, exampleAccuracy(0.25, 0.5));
});

Deno.test("without the control its accuracy is null; without runs there are no results", () => {
  assert.equal(buildResults(exampleStudy(), [exampleRun()]).controls.questionOnly, null);
  assert.throws(() => buildResults(exampleStudy(), []), RangeError);
});

Deno.test("the text is the results, a line a run", () => {
  const runs = exampleRuns([1, 2]);
  const results = buildResults(exampleStudy(), runs);
  const text = resultsText(results);
  assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(results)));
  const lines = text.trimEnd().split("\n");
  assert.equal(lines.length, Object.keys(results).length + results.runs.length + 3);
});
