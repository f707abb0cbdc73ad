import assert from "node:assert/strict";
import { tinyStudy } from "../testing/tiny_study.ts";
import { type AblationSetting, determinantsOf, studyConfig } from "./determinants.ts";
import { expandGrid } from "./grid.ts";
import { runId } from "./run_id.ts";
import type { Study } from "./study.ts";

/** What determines the data of a study with these folds. */
function dataOf(folds: Study["folds"]) {
  const named = { name: "some", contentHash: "0".repeat(64) };
  const setting = {
    study: { ...tinyStudy(), folds },
    dataset: named,
    encoder: named,
    language: named,
    engine: { plan: {} },
  };
  return studyConfig(setting as unknown as AblationSetting).data;
}

Deno.test("folds by question say how repeated questions were dealt, others what the study says", () => {
  const folds = { count: 3, seed: 0 };
  assert.deepEqual(dataOf({ ...folds, by: "question" }).folds, {
    ...folds,
    by: "question",
    repeats: "together",
  });
  assert.deepEqual(dataOf({ ...folds, by: "image" }).folds, { ...folds, by: "image" });
  assert.ok(!("folds" in dataOf(undefined)));
});

Deno.test("no two runs of a grid have one id, nor has a run after its own settings changed", () => {
  const study = tinyStudy({ folds: { count: 2, by: "image", seed: 1 } });
  const named = { name: "some", contentHash: "0".repeat(64) };
  const setting = {
    ...{ study, dataset: named, encoder: named, language: named },
    engine: { plan: {} },
    adapter: { description: "a", driver: "b" },
  } as unknown as AblationSetting;
  const idOf = (run: ReturnType<typeof expandGrid>[number]) => runId(determinantsOf(setting, run));
  const runs = expandGrid(study);
  assert.equal(new Set(runs.map(idOf)).size, runs.length);
  const [run] = runs;
  const [stage] = run.stages;
  const changed = [
    { ...run, xi: 0.5 },
    { ...run, round: 1 },
    { ...run, connector: "linear" },
    { ...run, objectiveOptions: { a: 1 } },
    { ...run, lambdaSchedule: "cosine" as const },
    { ...run, stages: [{ ...stage, draw: ["P2" as const] }] },
    { ...run, stages: [{ ...stage, training: { ...stage.training, steps: 5 } }] },
  ];
  assert.equal(new Set([run, ...changed].map(idOf)).size, 1 + changed.length);
});
