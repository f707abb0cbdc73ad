/** One run: train a model stage by stage, question it, and measure its embeddings. */
import { createHash } from "node:crypto";
import { imageTokens, packBatch } from "../data/packing.ts";
import { embeddingStatistics } from "../evaluation/embedding_statistics.ts";
import { isCorrect, scoreAnswers } from "../evaluation/vqa_accuracy.ts";
import type { Engine } from "../gpu/program.ts";
import type { NamedMatrix } from "../models/llama_weights.ts";
import {
  countParameters,
  destroyModel,
  type ModelWeights,
  type Module,
  type MultimodalModel,
  readTextEmbeddings,
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
import { biasCorrection, SCHEDULES } from "../nn/schedule.ts";
import type { CurvePoint, RunRecord, ValidationPoint } from "../study/record.ts";
import { batchFeatures, epochSteps, evaluationBatches, trainingBatches } from "./batches.ts";
import {
  meanImage,
  type PreparedData,
  type PreparedSplit,
  withConstantImage,
} from "./prepared_data.ts";
import { type Progress, readProgress, restoreProgress } from "./progress.ts";
import { createRunModel } from "./run_model.ts";
import type { RunSettings, StageSettings } from "./settings.ts";

/** What one stage of a run measured. */
export type RunOutcome =
  & Pick<
    RunRecord,
    | "stage"
    | "steps"
    | "parameters"
    | "accuracy"
    | "losses"
    | "embedding"
    | "answers"
    | "weightsSha256"
    | "seconds"
  >
  & {
    /** What it ended with. */
    weights: ModelWeights;
  };

/** Called while a run goes on. */
export interface RunHooks {
  /** After each reading of the losses. */
  onProgress?(stage: string, step: number, steps: number, tokenLoss: number): void;
  /** Stops the run between two steps, after a checkpoint. */
  signal?: AbortSignal;
  /** Where the run goes on from, and where it leaves what it goes on from. */
  checkpoint?: {
    load(): Promise<Progress | null>;
    save(progress: Progress): Promise<void>;
    /** Seconds between two. */
    every: number;
  };
}

/** A run whose loss is no number any more. */
export class DivergedError extends Error {
  override name = "DivergedError";
}

/**
 * Trains one model stage by stage, and tests it after each.
 *
 * A run that finds a checkpoint goes on from it as if it had never stopped; stages before it have
 * been yielded then and are not yielded again.
 *
 * @throws {DivergedError} If a loss stops being a number.
 * @throws {DOMException} `AbortError` when the signal fires.
 */
export async function* run(
  engine: Engine,
  settings: RunSettings,
  prepared: PreparedData,
  hooks: RunHooks = {},
): AsyncGenerator<RunOutcome> {
  const data = settings.role === "question-only" ? blind(prepared) : prepared;
  const found = await hooks.checkpoint?.load() ?? undefined;
  let values: Partial<ModelWeights> = found?.values ?? {};
  for (const [index, stage] of settings.stages.entries()) {
    if (found && index < found.stage) continue;
    const before = found?.stage === index ? found : undefined;
    const first = before ? values : without(values, stage.draw);
    const model = createRunModel(engine, settings, stage, data, first);
    const questioner = compileQuestioner(model);
    try {
      const work = { model, questioner, settings, stage, index, data, hooks, first, before };
      const outcome = await trainAndTest(work);
      yield outcome;
      values = outcome.weights;
    } finally {
      // A run that diverged leaves its memory to the runs behind it.
      questioner.destroy();
      destroyModel(model);
    }
  }
}

/**
 * Tests a model that is trained already.
 *
 * @param values What it was left with.
 */
export async function test(
  engine: Engine,
  settings: RunSettings,
  prepared: PreparedData,
  values: Partial<ModelWeights>,
): Promise<RunOutcome> {
  const data = settings.role === "question-only" ? blind(prepared) : prepared;
  const last = settings.stages.at(-1)!;
  const model = createRunModel(engine, settings, { ...last, train: [] }, data, values);
  const questioner = compileQuestioner(model);
  try {
    const started = performance.now();
    const tested = await testModel(model, questioner, settings, last, data, values);
    return {
      stage: last.name,
      steps: 0,
      ...tested,
      losses: {
        tokenLoss: tested.testTokenLoss,
        cosineLoss: tested.embedding.cosineLoss,
        testTokenLoss: tested.testTokenLoss,
        curve: [],
        validation: [],
      },
      seconds: { train: 0, evaluate: (performance.now() - started) / 1000 },
    };
  } finally {
    questioner.destroy();
    destroyModel(model);
  }
}

/** One stage at work. */
interface Work {
  model: MultimodalModel;
  questioner: Questioner;
  settings: RunSettings;
  stage: StageSettings;
  /** Place of the stage. */
  index: number;
  data: PreparedData;
  hooks: RunHooks;
  /** What the model began with. */
  first: Partial<ModelWeights>;
  /** What was done of it before. */
  before?: Progress;
}

/** Values for all but these parts, which are drawn. */
function without(
  values: Partial<ModelWeights>,
  drawn: readonly Module[],
): Partial<ModelWeights> {
  const parts: Record<Module, keyof ModelWeights> = {
    P1: "connector",
    P2: "objective",
    lora: "lora",
    decoder: "decoder",
  };
  const gone = new Set(drawn.map((module) => parts[module]));
  return Object.fromEntries(
    Object.entries(values).filter(([part]) => !gone.has(part as keyof ModelWeights)),
  );
}

async function trainAndTest(work: Work): Promise<RunOutcome> {
  const { model, questioner, settings, stage, data, first } = work;
  const started = performance.now();
  const { losses, validation, secondsBefore } = await train(work);
  const trained = performance.now();
  const tested = await testModel(model, questioner, settings, stage, data, first);
  const tail = losses.slice(-Math.max(1, Math.ceil(losses.length / 10)));
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    stage: stage.name,
    steps: losses.length,
    ...tested,
    losses: {
      tokenLoss: mean(tail.map(({ tokenLoss }) => tokenLoss)),
      cosineLoss: tail[0].cosineLoss === null
        ? null
        : mean(tail.map(({ cosineLoss }) => cosineLoss!)),
      testTokenLoss: tested.testTokenLoss,
      curve: thinCurve(losses),
      validation,
    },
    seconds: {
      train: secondsBefore + (trained - started) / 1000,
      evaluate: (performance.now() - trained) / 1000,
    },
  };
}

/** Answers to the test questions and statistics of the test pictures' projections. */
async function testModel(
  model: MultimodalModel,
  questioner: Questioner,
  settings: RunSettings,
  { training }: StageSettings,
  data: PreparedData,
  first: Partial<ModelWeights>,
) {
  const { answers, tokenLoss: testTokenLoss } = await answer(
    model,
    questioner,
    data.test,
    data,
    training.questions,
  );
  const projected = await projectImages(
    model,
    questioner,
    data.test,
    settings.evaluation.embeddingImages,
  );
  // What this stage froze is as it began.
  const weights = { ...first, ...await readWeights(model) };
  const text = await readTextEmbeddings(model);
  return {
    parameters: countParameters(model),
    accuracy: scoreAnswers(
      data.test.questions.flat().map(({ truth, type }) => ({ answer: truth, type })),
      answers.map(({ answer }) => answer),
    ),
    answers,
    testTokenLoss,
    embedding: embeddingStatistics(
      projected.matrix,
      { rows: text.rows, cols: text.columns, data: text.data },
      projected.cosineLoss,
    ),
    weights,
    weightsSha256: hashWeights(weights),
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

async function train(work: Work): Promise<Trained> {
  const step = compileTrainingStep(work.model, work.stage.training);
  try {
    return await trainingLoop(work, step);
  } finally {
    step.destroy();
  }
}

interface Trained {
  losses: StepLosses[];
  validation: ValidationPoint[];
  /** Seconds that the stage took before it was interrupted. */
  secondsBefore: number;
}

async function trainingLoop(
  { model, questioner, settings, stage, index, data, hooks, first, before }: Work,
  step: TrainingStep,
): Promise<Trained> {
  const { onProgress, signal, checkpoint } = hooks;
  const { evaluation } = settings;
  const { training } = stage;
  const steps = training.epochs ? epochSteps(data.train, training) : training.steps;
  const batches = trainingBatches(
    data.train,
    training.batch,
    training.questions,
    settings.seed,
    index === 0 ? "batches" : `batches/${stage.name}`,
  );
  const warmup = Math.round(training.warmup * steps);
  const validateAt = new Set(
    Array.from(
      { length: evaluation.validations },
      (_, i) => Math.round(((i + 1) * steps) / evaluation.validations),
    ),
  );
  const losses: StepLosses[] = before ? [...before.losses] : [];
  const validation: ValidationPoint[] = before ? [...before.validation] : [];
  const secondsBefore = before?.seconds ?? 0;
  if (before) {
    restoreProgress(model, step, before);
    for (let s = 0; s < losses.length; s++) batches.next();
  }
  const started = performance.now();
  let saved = started;
  const save = async () => {
    const seconds = secondsBefore + (performance.now() - started) / 1000;
    const done = { stage: index, first, losses, validation, seconds };
    await checkpoint!.save(await readProgress(model, step, done));
    saved = performance.now();
  };
  for (let s = losses.length; s < steps; s++) {
    const entries = batches.next().value!;
    const packed = packBatch(entries, model.config.layout);
    writeBatch(model, batchFeatures(data.train, entries, training.batch), packed);
    const rate = training.learningRate * SCHEDULES[training.schedule](s, steps, warmup);
    const [c1, c2] = [biasCorrection(training.beta1, s + 1), biasCorrection(training.beta2, s + 1)];
    step.run(s, {
      learningRate: [rate, rate],
      correction1: [c1, c1],
      correction2: [c2, c2],
      lambda: settings.lambda,
      tokenScale: 1 / Math.max(1, packed.answerTokens),
    });
    const validate = validateAt.has(s + 1);
    const last = s + 1 === steps;
    if ((s + 1) % READ_EVERY === 0 || last || validate || signal?.aborted) {
      const read = await step.readLosses();
      checkFinite(read, losses.length);
      losses.push(...read);
      onProgress?.(stage.name, s + 1, steps, losses.at(-1)!.tokenLoss);
    } else if (s % 8 === 7) {
      // The queue blocks inside submit; a turn of the event loop lets signals and the screen in.
      await new Promise((resolve) => setTimeout(resolve));
    }
    if (validate) {
      const accuracy = await validationAccuracy(model, questioner, data, settings, stage);
      if (accuracy !== null) validation.push({ step: s + 1, accuracy });
    }
    const isRead = losses.length === s + 1;
    if (checkpoint && isRead) {
      const isDue = !last && performance.now() - saved > 1000 * checkpoint.every;
      if (signal?.aborted || isDue) await save();
    }
    if (isRead) signal?.throwIfAborted();
  }
  return { losses, validation, secondsBefore };
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
  { evaluation }: RunSettings,
  { training }: StageSettings,
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
  const tokens = imageTokens(layout);
  const z = new Float32Array(count * tokens * width);
  let cosineSum = 0, hasCosine = false;
  for (let first = 0; first < count; first += layout.batch) {
    const size = Math.min(layout.batch, count - first);
    const entries = Array.from({ length: size }, (_, i) => ({ image: first + i, questions: [] }));
    writeBatch(model, batchFeatures(split, entries, layout.batch), packBatch(entries, layout));
    const projected = await questioner.project();
    const rows = size * tokens;
    z.set(projected.z.subarray(0, rows * width), first * tokens * width);
    if (projected.cosineLoss) {
      hasCosine = true;
      cosineSum += projected.cosineLoss.subarray(0, rows).reduce((a, b) => a + b, 0);
    }
  }
  const rows = count * tokens;
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

/** SHA-256 over names and bytes of what answers and was trained, in name order. P2 takes no part. */
function hashWeights({ connector, decoder = new Map(), lora = new Map() }: ModelWeights): string {
  const hash = createHash("sha256");
  const weights: [string, NamedMatrix][] = [...connector, ...decoder, ...lora];
  for (const [name, { data }] of weights.sort(([a], [b]) => a < b ? -1 : 1)) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
