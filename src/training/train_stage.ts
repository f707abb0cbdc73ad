/** The training loop of one stage. */
import { packBatch } from "../data/packing.ts";
import { type ModelWeights, type MultimodalModel, writeBatch } from "../models/multimodal.ts";
import type { Questioner } from "../models/questioner.ts";
import { createTeacher, destroyTeacher } from "../models/teacher.ts";
import {
  compileTrainingStep,
  type StepLosses,
  type TrainingStep,
} from "../models/training_step.ts";
import { READ_EVERY } from "../nn/loss_ring.ts";
import { biasCorrection, LAMBDA_SCHEDULES, SCHEDULES } from "../nn/schedule.ts";
import type { DiagnosticPoint, ValidationPoint } from "../records/record.ts";
import { batchFeatures, stageSteps, trainingBatches } from "./batches.ts";
import { diagnose } from "./diagnostics.ts";
import { validationAccuracy } from "./evaluate.ts";
import type { PreparedData } from "./prepared_data.ts";
import { type Progress, readProgress, restoreProgress } from "./progress.ts";
import type { RunSettings, StageSettings } from "./settings.ts";

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
  /** What the student of the round before was left with by a stage; asked for from round 1 on. */
  teacher?(stage: string): Promise<ModelWeights>;
}

/** A run whose loss, or gradient, is no number any more. */
export class DivergedError extends Error {
  override name = "DivergedError";

  /**
   * @param stage Its name.
   * @param step The first such step, from 1.
   */
  constructor(readonly stage: string, readonly step: number) {
    super(`Cannot go on training: the loss at step ${step} is no number`);
  }
}

/** One stage at work. */
export interface StageWork {
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

/**
 * Trains a stage, from where it was interrupted.
 *
 * @throws {DivergedError} If a loss stops being a number.
 * @throws {DOMException} `AbortError` when the signal fires, after a checkpoint.
 */
export async function trainStage(work: StageWork): Promise<Trained> {
  const { model, settings, stage, hooks } = work;
  const values = settings.round > 0 ? await hooks.teacher!(stage.name) : null;
  const teacher = values && createTeacher(model, values);
  const { xi } = settings;
  try {
    const step = compileTrainingStep(
      model,
      stage.training,
      teacher ? { model: teacher, xi } : undefined,
    );
    try {
      return await trainingLoop(work, step);
    } finally {
      step.destroy();
    }
  } finally {
    if (teacher) destroyTeacher(teacher, model);
  }
}

/** What the training of a stage left. */
export interface Trained {
  losses: StepLosses[];
  validation: ValidationPoint[];
  diagnostics: DiagnosticPoint[];
  /** Seconds that the stage took before it was interrupted. */
  secondsBefore: number;
}

async function trainingLoop(
  { model, questioner, settings, stage, index, data, hooks, first, before }: StageWork,
  step: TrainingStep,
): Promise<Trained> {
  const { onProgress, signal, checkpoint } = hooks;
  const { evaluation } = settings;
  const { training } = stage;
  const steps = stageSteps(data.train, training);
  const batches = trainingBatches(
    data.train,
    training.batch,
    training.questions,
    settings.seed,
    [
      "batches",
      ...(settings.round > 0 ? [`round-${settings.round}`] : []),
      ...(index > 0 ? [stage.name] : []),
    ].join("/"),
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
  const diagnostics: DiagnosticPoint[] = before ? [...before.diagnostics] : [];
  const secondsBefore = before?.seconds ?? 0;
  if (before) {
    restoreProgress(model, step, before);
    for (let s = 0; s < losses.length; s++) batches.next();
  }
  const started = performance.now();
  let saved = started;
  const save = async () => {
    const seconds = secondsBefore + (performance.now() - started) / 1000;
    const done = { stage: index, first, losses, validation, diagnostics, seconds };
    await checkpoint!.save(await readProgress(model, step, done));
    saved = performance.now();
  };
  for (let s = losses.length; s < steps; s++) {
    const entries = batches.next().value!;
    const packed = packBatch(entries, model.config.layout);
    writeBatch(model, batchFeatures(data.train, entries, training.batch), packed);
    const rate = training.learningRate * SCHEDULES[training.schedule](s, steps, warmup);
    const [c1, c2] = [biasCorrection(training.beta1, s + 1), biasCorrection(training.beta2, s + 1)];
    const weights = {
      lambda: settings.lambda * LAMBDA_SCHEDULES[settings.lambdaSchedule](s, steps),
      tokenScale: 1 / Math.max(1, packed.answerTokens),
    };
    step.run(s, {
      learningRate: [rate, rate],
      correction1: [c1, c1],
      correction2: [c2, c2],
      ...weights,
    });
    const validate = validateAt.has(s + 1);
    const last = s + 1 === steps;
    if ((s + 1) % READ_EVERY === 0 || last || validate || signal?.aborted) {
      const read = await step.readLosses();
      checkFinite(read, losses.length, stage.name);
      losses.push(...read);
      onProgress?.(stage.name, s + 1, steps, losses.at(-1)!.tokenLoss);
    } else if (s % 8 === 7) {
      // The queue blocks inside submit; a turn of the event loop lets signals and the screen in.
      await new Promise((resolve) => setTimeout(resolve));
    }
    if (validate) {
      // First, for it is the batch of this step that both losses are measured on.
      diagnostics.push({ step: s + 1, ...await diagnose(model, weights) });
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
  return { losses, validation, diagnostics, secondsBefore };
}

/** @param before Steps before the first of these losses. */
function checkFinite(losses: StepLosses[], before: number, stage: string): void {
  const bad = losses.findIndex(({ tokenLoss, cosineLoss, gradientNorm }) =>
    !Number.isFinite(tokenLoss) || !Number.isFinite(cosineLoss ?? 0) ||
    !Number.isFinite(gradientNorm)
  );
  if (bad >= 0) throw new DivergedError(stage, before + bad + 1);
}
