import assert from "node:assert/strict";
import { averageCosine } from "../evaluation/average_cosine.ts";
import { testEngines } from "../testing/gpu.ts";
import { prepareTiny } from "../testing/tiny_data.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { withShuffledImages } from "./controls.ts";
import { type PreparedData, SPLITS } from "./prepared_data.ts";
import { run, test } from "./run.ts";
import type { RunSettings, StageSettings } from "./settings.ts";
import { DivergedError } from "./train_stage.ts";

const [engine] = await testEngines();
const { data, runs } = await prepareTiny(tinyStudy());
const [settings] = runs;

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

/** The same run with its stage changed. */
const staged = (
  { train, ...training }:
    & Partial<StageSettings["training"]>
    & Partial<Pick<StageSettings, "train">>,
  of: RunSettings = settings,
): RunSettings => ({
  ...of,
  stages: of.stages.map((stage) => ({
    ...stage,
    ...(train && { train }),
    training: { ...stage.training, ...training },
  })),
});
const outcomeOf = async (of: RunSettings, prepared = data) =>
  (await Array.fromAsync(run(engine, of, prepared)))[0];

Deno.test("the loss that a record gives is the mean over the last tenth of the steps", async () => {
  const { losses: { tokenLoss, curve } } = await outcomeOf(staged({ steps: 11 }));
  assert.equal(curve.length, 11);
  const [before, last] = curve.slice(-2);
  assert.ok(Math.abs(tokenLoss - (before.tokenLoss + last.tokenLoss) / 2) < 1e-12);
});

Deno.test("no picture of any split reaches the question-only control, and those of the test reach an arm", async () => {
  const others = (split: PreparedData["test"]) => ({
    ...split,
    features: split.features.toReversed(),
  });
  const changed = { ...data, validation: others(data.validation), test: others(data.test) };
  const seen = async (role: RunSettings["role"], prepared: PreparedData) => {
    const { weightsSha256, losses, answers, embedding } = await outcomeOf(
      { ...settings, role, arm: role },
      prepared,
    );
    return { weightsSha256, answers, embedding, test: losses.testTokenLoss };
  };
  const [control, blind] = [
    await seen("question-only", data),
    await seen("question-only", changed),
  ];
  assert.deepEqual(blind, control);
  const [arm, other] = [await seen("arm", data), await seen("arm", changed)];
  assert.equal(other.weightsSha256, arm.weightsSha256);
  assert.notEqual(other.test, arm.test);
  assert.notEqual(control.weightsSha256, arm.weightsSha256);
});

Deno.test("the shuffled-images control is trained and tested with pictures in each other's place", async () => {
  const shuffled = {
    ...data,
    ...Object.fromEntries(
      SPLITS.map((name) => [name, withShuffledImages(data[name], settings.seed, name)]),
    ),
  };
  const role = "shuffled-images";
  const [control, arm, plain] = [
    await outcomeOf({ ...settings, role, arm: role }),
    await outcomeOf(settings, shuffled),
    await outcomeOf(settings),
  ];
  for (const key of ["weightsSha256", "answers", "embedding"] as const) {
    assert.deepEqual(control[key], arm[key], key);
  }
  assert.equal(control.losses.testTokenLoss, arm.losses.testTokenLoss);
  assert.notEqual(control.weightsSha256, plain.weightsSha256);
  assert.notEqual(control.losses.testTokenLoss, plain.losses.testTokenLoss);
});

Deno.test("loss and L_cos of a test do not depend on how its questions and pictures are batched", async () => {
  const cosine = runs.find(({ arm, lambda }) => arm === "cosine-constraint" && lambda === 1)!;
  const of = { ...cosine, evaluation: { ...cosine.evaluation, embeddingImages: 3 } };
  const { weights } = await outcomeOf(of);
  const tested = (batch: number, questions: number) =>
    test(engine, staged({ batch, questions }, of), data, weights);
  const one = await tested(1, 1);
  // Batches of 4, 3 and 3 questions, and a last one of one picture.
  const two = await tested(2, 2);
  assert.ok(Math.abs(one.losses.testTokenLoss - two.losses.testTokenLoss) < 1e-5);
  assert.ok(Math.abs(one.embedding.cosineLoss! - two.embedding.cosineLoss!) < 1e-5);
});

Deno.test("validation asks the validation questions: of their own answers all are right", async () => {
  const of = { ...settings, evaluation: { ...settings.evaluation, validationImages: 6 } };
  const { answers, accuracy } = await outcomeOf(of);
  assert.ok(accuracy.overall < 1);
  const said = new Map(answers.map(({ id, answer }) => [id, answer]));
  const questions = data.test.questions.map((list) =>
    list.map((question) => ({ ...question, truth: said.get(question.id)! }))
  );
  const { losses: { validation }, accuracy: again } = await outcomeOf(of, {
    ...data,
    validation: { ...data.test, questions },
  });
  assert.deepEqual(validation, [{ step: 4, accuracy: 1 }]);
  assert.equal(again.overall, accuracy.overall);
});

Deno.test("X are the very tokens of the test pictures that Z is made of", async () => {
  const { geometry } = await outcomeOf(settings);
  const { rows, width } = geometry!.X;
  const size = rows * width;
  assert.ok(size < data.test.features.length);
  const of = (features: Float32Array) => averageCosine({ rows, cols: width, data: features });
  const first = of(data.test.features.subarray(0, size));
  assert.ok(Math.abs(geometry!.X.averageCosine - first) < 1e-6);
  assert.ok(Math.abs(of(data.test.features.subarray(-size)) - first) > 1e-4, "others differ");
});

Deno.test("the hash is of all weights that answer, the decoder's too", async () => {
  const [one, two] = [
    await outcomeOf(staged({ train: ["decoder"] })),
    await outcomeOf(staged({ train: ["decoder"], learningRate: 1e-3 })),
  ];
  assert.deepEqual(two.weights.connector, one.weights.connector);
  assert.notEqual(two.weightsSha256, one.weightsSha256);
});
