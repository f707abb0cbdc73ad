import assert from "node:assert/strict";
import { tinyStudy } from "../testing/tiny_study.ts";
import { type AblationSetting, studyConfig } from "./determinants.ts";
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
