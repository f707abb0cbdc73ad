/** One run: train a model, question it, and measure its embeddings. */
import { createHash } from "node:crypto";
import { packBatch } from "../data/packing.ts";
import { embeddingStatistics } from "../evaluation/embedding_statistics.ts";
import { isCorrect, scoreAnswers } from "../evaluation/vqa_accuracy.ts";
import type { Engine } from "../gpu/program.ts";
import type { NamedMatrix } from "../models/llama_weights.ts";
import {
  countParameters,
  destroyModel,
  type MultimodalModel,
  readWeights,
  writeBatch,
} from "../models/multimodal.ts";
import { type Asked, compileQuestioner, type Questioner } from "../models/questioner.ts";
import {
  compileTrainingStep,
  READ_EVERY,
  type StepLosses,
  type TrainingStep,
} from "../models/training_step.ts";
import { biasCorrection, warmupCosine } from "../nn/schedule.ts";
import type { CurvePoint, RunRecord, ValidationPoint } from "../study/record.ts";
import { batchFeatures, evaluationBatches, trainingBatches } from "./batches.ts";
import {
  meanImage,
  type PreparedData,
  type PreparedSplit,
  withConstantImage,
} from "./prepared_data.ts";
import { createRunModel } from "./run_model.ts";
import type { RunSettings } from "./settings.ts";

/** What one run measured. */
export type RunOutcome = Pick<
  RunRecord,
  | "steps"
  | "parameters"
  | "accuracy"
  | "losses"
  | "embedding"
  | "answers"
  | "weightsSha256"
  | "seconds"
>;

/** Called while a run goes on. */
export interface RunHooks {
  /** After each reading of the losses. */
  onProgress?(step: number, steps: number, tokenLoss: number): void;
  /** Stops the run between two steps. */
  signal?: AbortSignal;
}

/** A run whose loss is no number any more. */
export class DivergedError extends Error {
  override name = "DivergedError";
}

/**
 * Trains and tests one model.
 *
 * @throws {DivergedError} If a loss stops being a number.
 * @throws {DOMException} `AbortError` when the signal fires.
 */
export async function run(
  engine: Engine,
  settings: RunSettings,
  prepared: PreparedData,
  hooks: RunHooks = {},
): Promise<RunOutcome> {
  const data = settings.role === "question-only" ? blind(prepared) : prepared;
  const model = createRunModel(engine, settings, data);
  const questioner = compileQuestioner(model);
  try {
    return await trainAndTest(model, questioner, settings, data, hooks);
  } finally {
    // A run that diverged leaves its memory to the runs behind it.
    questioner.destroy();
    destroyModel(model);
  }
}

async function trainAndTest(
  model: MultimodalModel,
  questioner: Questioner,
  settings: RunSettings,
  data: PreparedData,
  hooks: RunHooks,
): Promise<RunOutcome> {
  const started = performance.now();
  const { losses, validation } = await train(model, questioner, settings, data, hooks);
  const trained = performance.now();
  const { answers, tokenLoss: testTokenLoss } = await answer(
    model,
    questioner,
    data.test,
    data,
    settings.training.questions,
  );
  const projected = await projectImages(
    model,
    questioner,
    data.test,
    settings.evaluation.embeddingImages,
  );
  const weights = await readWeights(model);
  const text = weights.decoder.get("model.embed_tokens.weight")!;
  const tail = losses.slice(-Math.max(1, Math.ceil(losses.length / 10)));
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    steps: settings.training.steps,
    parameters: countParameters(model),
    accuracy: scoreAnswers(
      data.test.questions.flat().map(({ truth, type }) => ({ answer: truth, type })),
      answers.map(({ answer }) => answer),
    ),
    losses: {
      tokenLoss: mean(tail.map(({ tokenLoss }) => tokenLoss)),
      cosineLoss: tail[0].cosineLoss === null
        ? null
        : mean(tail.map(({ cosineLoss }) => cosineLoss!)),
      testTokenLoss,
      curve: thinCurve(losses),
      validation,
    },
    embedding: embeddingStatistics(projected.matrix, {
      rows: text.rows,
      cols: text.columns,
      data: text.data,
    }, projected.cosineLoss),
    answers,
    weightsSha256: hashWeights([...weights.connector, ...weights.decoder]),
    seconds: { train: (trained - started) / 1000, evaluate: (performance.now() - trained) / 1000 },
  };
}

function blind(data: PreparedData): PreparedData {
  const image = meanImage(data.train);
  return {
    ...data,
    train: withConstantImage(data.train, image),
    validation: withConstantImage(data.validation, image),
    test: withConstantImage(data.test, image),
  };
}

async function train(
  model: MultimodalModel,
  questioner: Questioner,
  settings: RunSettings,
  data: PreparedData,
  hooks: RunHooks,
): Promise<{ losses: StepLosses[]; validation: ValidationPoint[] }> {
  const step = compileTrainingStep(model, settings.training);
  try {
    return await trainingLoop(model, step, questioner, settings, data, hooks);
  } finally {
    step.destroy();
  }
}

async function trainingLoop(
  model: MultimodalModel,
  step: TrainingStep,
  questioner: Questioner,
  settings: RunSettings,
  data: PreparedData,
  { onProgress, signal }: RunHooks,
): Promise<{ losses: StepLosses[]; validation: ValidationPoint[] }> {
  const { training, evaluation } = settings;
  const batches = trainingBatches(data.train, training.batch, training.questions, settings.seed);
  const warmup = Math.round(training.warmup * training.steps);
  const validateAt = new Set(
    Array.from(
      { length: evaluation.validations },
      (_, i) => Math.round(((i + 1) * training.steps) / evaluation.validations),
    ),
  );
  const losses: StepLosses[] = [];
  const validation: ValidationPoint[] = [];
  for (let s = 0; s < training.steps; s++) {
    const entries = batches.next().value!;
    const packed = packBatch(entries, model.config.layout);
    writeBatch(model, batchFeatures(data.train, entries, training.batch), packed);
    const rate = training.learningRate * warmupCosine(s, training.steps, warmup);
    const [c1, c2] = [biasCorrection(training.beta1, s + 1), biasCorrection(training.beta2, s + 1)];
    step.run(s, {
      learningRate: [rate, rate],
      correction1: [c1, c1],
      correction2: [c2, c2],
      lambda: settings.lambda,
      tokenScale: 1 / Math.max(1, packed.answerTokens),
    });
    const validate = validateAt.has(s + 1);
    if ((s + 1) % READ_EVERY === 0 || s + 1 === training.steps || validate) {
      const read = await step.readLosses();
      checkFinite(read, losses.length);
      losses.push(...read);
      onProgress?.(s + 1, training.steps, losses.at(-1)!.tokenLoss);
      signal?.throwIfAborted();
    } else if (s % 8 === 7) {
      // The queue blocks inside submit; a turn of the event loop lets signals and the screen in.
      await new Promise((resolve) => setTimeout(resolve));
      signal?.throwIfAborted();
    }
    if (validate) {
      const accuracy = await validationAccuracy(model, questioner, data, settings);
      if (accuracy !== null) validation.push({ step: s + 1, accuracy });
    }
  }
  return { losses, validation };
}

/** @param before Steps before the first of these losses. */
function checkFinite(losses: StepLosses[], before: number): void {
  const bad = losses.findIndex(({ tokenLoss, cosineLoss, gradientNorm }) =>
    !Number.isFinite(tokenLoss) || !Number.isFinite(cosineLoss ?? 0) ||
    !Number.isFinite(gradientNorm)
  );
  if (bad >= 0) {
    throw new DivergedError(
      `Cannot go on training: the loss at step ${before + bad + 1} is no number`,
    );
  }
}

async function validationAccuracy(
  model: MultimodalModel,
  questioner: Questioner,
  data: PreparedData,
  { training, evaluation }: RunSettings,
): Promise<number | null> {
  const images = Math.min(evaluation.validationImages, data.validation.questions.length);
  if (images === 0) return null;
  const { answers } = await answer(
    model,
    questioner,
    data.validation,
    data,
    training.questions,
    images,
  );
  return answers.filter(({ correct }) => correct).length / answers.length;
}

/** Answers to every question of a split's first images, and the mean loss of the true answers' tokens. */
async function answer(
  model: MultimodalModel,
  questioner: Questioner,
  split: PreparedSplit,
  { tokenizer, longestAnswer }: PreparedData,
  questions: number,
  images?: number,
): Promise<{ answers: RunRecord["answers"]; tokenLoss: number }> {
  const { batch, blocks } = model.config.layout;
  const answers: RunRecord["answers"] = [];
  let lossSum = 0, count = 0;
  const collect = async (
    places: [number, number][][],
    answerTokens: number,
    asked: Promise<Asked>,
  ) => {
    const { tokens, tokenLoss } = await asked;
    lossSum += answerTokens * tokenLoss;
    count += answerTokens;
    places.forEach((list, b) =>
      list.forEach(([image, q], i) => {
        const { id, truth } = split.questions[image][q];
        const text = tokenizer.decode(
          untilEnd(tokens.map((step) => step[b * blocks + i]), tokenizer.eos),
        );
        answers.push({ id, answer: text, correct: isCorrect(text, truth) });
      })
    );
  };
  // One batch is always on its way, so that the device works while answers are read back.
  let before = Promise.resolve();
  for (const { entries, places } of evaluationBatches(split, batch, questions, images)) {
    const packed = packBatch(entries, model.config.layout);
    writeBatch(model, batchFeatures(split, entries, batch), packed);
    const asked = questioner.ask(packed, longestAnswer);
    await before;
    before = collect(places, packed.answerTokens, asked);
  }
  await before;
  return { answers, tokenLoss: lossSum / Math.max(1, count) };
}

function untilEnd(tokens: number[], end: number): number[] {
  const at = tokens.indexOf(end);
  return at < 0 ? tokens : tokens.slice(0, at);
}

/** z = P1(x) of the first images of a split, and the mean of the arm's own L_cos on them. */
async function projectImages(
  model: MultimodalModel,
  questioner: Questioner,
  split: PreparedSplit,
  images: number,
) {
  const { layout, decoder } = model.config;
  const count = Math.min(images, split.questions.length);
  const width = decoder.hidden_size;
  const z = new Float32Array(count * layout.prefix * width);
  let cosineSum = 0, hasCosine = false;
  for (let first = 0; first < count; first += layout.batch) {
    const size = Math.min(layout.batch, count - first);
    const entries = Array.from({ length: size }, (_, i) => ({ image: first + i, questions: [] }));
    writeBatch(model, batchFeatures(split, entries, layout.batch), packBatch(entries, layout));
    const projected = await questioner.project();
    const rows = size * layout.prefix;
    z.set(projected.z.subarray(0, rows * width), first * layout.prefix * width);
    if (projected.cosineLoss) {
      hasCosine = true;
      cosineSum += projected.cosineLoss.subarray(0, rows).reduce((a, b) => a + b, 0);
    }
  }
  const rows = count * layout.prefix;
  return {
    matrix: { rows, cols: width, data: z },
    cosineLoss: hasCosine ? cosineSum / rows : null,
  };
}

/** Means over stretches of steps, at most a hundred: a curve for figures, not a log. */
function thinCurve(losses: StepLosses[]): CurvePoint[] {
  const every = Math.max(1, Math.ceil(losses.length / 100));
  const points: CurvePoint[] = [];
  for (let end = every; end <= losses.length; end += every) {
    const part = losses.slice(end - every, end);
    const mean = (value: (loss: StepLosses) => number) =>
      part.reduce((sum, loss) => sum + value(loss), 0) / part.length;
    points.push({
      step: end,
      tokenLoss: mean(({ tokenLoss }) => tokenLoss),
      cosineLoss: part[0].cosineLoss === null ? null : mean(({ cosineLoss }) => cosineLoss!),
    });
  }
  return points;
}

/** SHA-256 over names and bytes in name order. */
function hashWeights(weights: [string, NamedMatrix][]): string {
  const hash = createHash("sha256");
  for (const [name, { data }] of [...weights].sort(([a], [b]) => a < b ? -1 : 1)) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
