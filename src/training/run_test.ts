import assert from "node:assert/strict";
import { expandGrid } from "../study/grid.ts";
import { encodeStudy, loadStudyData, loadStudyEncoder } from "../study/prepare.ts";
import { testEngines } from "../testing/gpu.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { prepareQuestions } from "./prepared_data.ts";
import { DivergedError, run } from "./run.ts";

const [engine] = await testEngines();
const study = tinyStudy();
const [settings] = expandGrid(study);
const cacheDir = await Deno.makeTempDir();
const dataset = await loadStudyData(study, {});
const encoder = await loadStudyEncoder(study, cacheDir);
const questions = prepareQuestions(dataset, encoder, study.training.context);
const data = await encodeStudy(encoder, dataset, questions, { cacheDir });
await Deno.remove(cacheDir, { recursive: true });

/** A rate after which no weight is a number; with warm-up 0 it counts from the first step. */
const diverging = {
  ...settings,
  training: { ...settings.training, learningRate: 1e38, warmup: 0 },
};

Deno.test("a run leaves no memory behind", async () => {
  const before = engine.memory.bytes;
  const { losses, answers } = await run(engine, settings, data);
  assert.equal(engine.memory.bytes, before);
  assert.equal(losses.curve.length, settings.training.steps);
  assert.equal(answers.length, data.test.questions.flat().length);
});

Deno.test("a run that diverges says at which step, and leaves no memory behind", async () => {
  const before = engine.memory.bytes;
  await assert.rejects(
    () => run(engine, diverging, data),
    (error) =>
      error instanceof DivergedError && /the loss at step [234] is no number/.test(error.message),
  );
  assert.equal(engine.memory.bytes, before);
});

Deno.test("a run that is stopped leaves no memory behind", async () => {
  const before = engine.memory.bytes;
  await assert.rejects(
    () => run(engine, settings, data, { signal: AbortSignal.abort() }),
    { name: "AbortError" },
  );
  assert.equal(engine.memory.bytes, before);
});
