import assert from "node:assert/strict";
import { testEngines } from "../testing/gpu.ts";
import { prepareTiny } from "../testing/tiny_data.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import type { PreparedData } from "./prepared_data.ts";
import { run } from "./run.ts";
import { DivergedError } from "./train_stage.ts";

const [engine] = await testEngines();
const { data, runs: [settings] } = await prepareTiny(tinyStudy());

/** A rate after which no weight is a number; with warm-up 0 it counts from the first step. */
const diverging = {
  ...settings,
  stages: settings.stages.map((stage) => ({
    ...stage,
    training: { ...stage.training, learningRate: 1e38, warmup: 0 },
  })),
};

Deno.test("a run leaves no memory behind", async () => {
  const before = engine.memory.bytes;
  const [{ losses, answers }] = await Array.fromAsync(run(engine, settings, data));
  assert.equal(engine.memory.bytes, before);
  assert.equal(losses.curve.length, settings.stages[0].training.steps);
  assert.equal(answers.length, data.test.questions.flat().length);
});

Deno.test("where several people have answered, how many agree with an answer is its score", async () => {
  const byPeople: PreparedData = {
    ...data,
    test: {
      ...data.test,
      questions: data.test.questions.map((list) =>
        list.map((question) => ({ ...question, answers: ["yes", "yes", "yes", "yes", "no", "no"] }))
      ),
    },
  };
  const [{ answers, accuracy, overlap }] = await Array.fromAsync(run(engine, settings, byPeople));
  const expected = new Map([["yes", (4 * 1 + 2 * 1) / 6], ["no", (2 * 1 / 3 + 4 * 2 / 3) / 6]]);
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  for (const { answer, score } of answers) {
    assert.ok(Math.abs(score! - (expected.get(answer) ?? 0)) < 1e-12, answer);
  }
  assert.ok(Math.abs(accuracy.overall - mean(answers.map(({ score }) => score!))) < 1e-12);
  const right = mean(answers.map(({ correct }) => Number(correct)));
  assert.ok(Math.abs(overlap!.exactMatch - right) < 1e-12);
});

Deno.test("a run leaves the shape of the same tokens before and behind P1, and of text in use", async () => {
  const [{ embedding, geometry }] = await Array.fromAsync(run(engine, settings, data));
  const { X, Z, T, map } = geometry!;
  assert.deepEqual([X.rows, X.width], [embedding.tokens, data.width]);
  assert.deepEqual([Z.rows, Z.width], [embedding.tokens, data.decoder.config.hidden_size]);
  // The same numbers by another way.
  assert.ok(Math.abs(Z.averageCosine - embedding.averageCosine) < 1e-7);
  assert.ok(Math.abs(Z.effectiveRank - embedding.effectiveRank) < 1e-5 * Z.effectiveRank);
  const splits = [data.train, data.validation, data.test];
  const used = new Set(
    splits.flatMap(({ questions }) =>
      questions.flat().flatMap(({ prompt, answer }) => [...prompt, ...answer])
    ),
  );
  assert.equal(T.rows, used.size);
  assert.ok(T.rows < data.tokenizer.vocabularySize);
  assert.equal(map.image.length, embedding.tokens);
});

Deno.test("a run that diverges says at which step, and leaves no memory behind", async () => {
  const before = engine.memory.bytes;
  await assert.rejects(
    () => Array.fromAsync(run(engine, diverging, data)),
    (error: Error) =>
      error instanceof DivergedError && /the loss at step [234] is no number/.test(error.message),
  );
  assert.equal(engine.memory.bytes, before);
});

Deno.test("a run that is stopped leaves no memory behind", async () => {
  const before = engine.memory.bytes;
  await assert.rejects(
    () => Array.fromAsync(run(engine, settings, data, { signal: AbortSignal.abort() })),
    { name: "AbortError" },
  );
  assert.equal(engine.memory.bytes, before);
});
