import assert from "node:assert/strict";
import {
  exampleAccuracy,
  exampleGeometry,
  exampleRun,
  exampleRuns,
  exampleStudy,
} from "../records/example_records.ts";
import { buildResults, resultsText } from "./results.ts";

Deno.test("results hold every run in the report's order, without the answers", () => {
  const results = buildResults(exampleStudy(), exampleRuns([2, 1]));
  assert.deepEqual(results.runs.map(({ arm, seed }) => [arm, seed]), [
    ["baseline", 1],
    ["baseline", 2],
    ["cosine-constraint", 1],
    ["cosine-constraint", 2],
    ["self-distillation", 1],
    ["self-distillation", 2],
    ["question-only", 1],
    ["question-only", 2],
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

Deno.test("the majority answer, which has no run, is the study's; without runs there are no results", () => {
  const { controls } = buildResults(exampleStudy(), [exampleRun()]);
  assert.deepEqual(controls.majority, exampleAccuracy(0.25, 0.5));
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
