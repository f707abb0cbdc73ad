/**
 * Pre-trains the embedded towers: each picture of a batch is to find its caption among all of the
 * batch, and each caption its picture (arXiv 2103.00020).
 */
import { join } from "node:path";
import type { Tokenizer } from "../data/tokenizer.ts";
import type { Engine } from "../gpu/engine.ts";
import type { ClipConfig } from "../models/clip_config.ts";
import {
  type ClipPair,
  createClipPair,
  destroyClipPair,
  readClipWeights,
  writeCaptions,
  writePictures,
} from "../models/clip_pair.ts";
import {
  compileContrastiveStep,
  type ContrastiveLosses,
  type ContrastiveOptimizer,
  type ContrastiveStep,
} from "../models/clip_training_step.ts";
import type { Tensor } from "../models/safetensors.ts";
import { writeParameter } from "../nn/parameters.ts";
import { biasCorrection } from "../nn/schedule.ts";
import { toHalfPrecision } from "./clip_folder.ts";
import {
  evaluateTowers,
  type TowerFigures,
  type Towers,
  type TowerTests,
} from "./evaluate_towers.ts";
import {
  evaluationPictures,
  type ExcludedPictures,
  pictureBatch,
  pixelValues,
  SINGLE_OBJECTS,
} from "./pictures.ts";
import { meanOfEach, type ResumableHooks, type Schedule, trainResumably } from "./resumable.ts";
import { recall } from "./retrieval.ts";
import { compileTowers, encodeCaptions } from "./towers.ts";

/** What determines a pre-training of the towers, besides its data and their shape. */
export interface VisionSettings extends ContrastiveOptimizer, Schedule {
  seed: number;
  /** Pictures a step, and groups of four siblings among them. */
  batch: number;
  siblingGroups: number;
  /**
   * Learning rate of the text tower, as a share of the other, and the step from which it learns. A
   * text tower that learns from the start as fast as the pictures' drops what pictures do not show yet,
   * and then pictures have nothing to learn it from.
   */
  text: { share: number; from: number };
}

/** The settings of the embedded towers. */
export const VISION_SETTINGS: VisionSettings = {
  steps: 4800,
  seed: 1,
  batch: 64,
  siblingGroups: 12,
  text: { share: 0.2, from: SINGLE_OBJECTS },
  learningRate: 1e-3,
  warmup: 100,
  decay: 1600,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-6,
  weightDecay: 0.05,
  clip: 1,
};

/** A shape of the towers that lacks the vocabulary alone. */
export type ClipShape = Omit<ClipConfig, "text_config"> & {
  text_config: Omit<ClipConfig["text_config"], "vocab_size">;
};

/** A point of the training curve: means over the steps since the last point. */
export interface VisionPoint extends ContrastiveLosses {
  step: number;
  /** Share of the pictures of a batch that is never trained on whose caption is found in it. */
  heldOutAccuracy: number;
}

/** What a pre-training gives. */
export interface PretrainedTowers {
  config: ClipConfig;
  /** In Hugging Face's names and half precision. */
  weights: Map<string, Tensor>;
  curve: VisionPoint[];
  /** Of the weights in half precision. */
  figures: TowerFigures;
  /** Of training, all sittings together. */
  seconds: number;
}

/** Where it goes on and what it tells. */
export interface VisionHooks extends ResumableHooks<VisionPoint> {
  /** Folder of the checkpoint; none is kept when absent. */
  folder?: string;
  /** Pictures of the tests at the end. */
  tests?: TowerTests;
}

const CHECKPOINT = "vision.checkpoint.safetensors";

/**
 * Trains a pair of towers, from its checkpoint where there is one, and tests it.
 *
 * @throws {RangeError} If the checkpoint was made with other settings, or the loss is no number.
 * @throws {DOMException} `AbortError` when the signal fires, after a checkpoint.
 */
export async function pretrainVision(
  engine: Engine,
  shape: ClipShape,
  tokenizer: Tokenizer,
  settings: VisionSettings,
  hooks: VisionHooks = {},
): Promise<PretrainedTowers> {
  const { text_config, ...rest } = shape;
  const config: ClipConfig = {
    ...rest,
    text_config: { ...text_config, vocab_size: tokenizer.vocabularySize },
  };
  const options = {
    config,
    batch: settings.batch,
    textLength: text_config.max_position_embeddings,
  };
  const pair = createClipPair(engine, { ...options, seed: settings.seed });
  startPositions(pair);
  let trained: Omit<PretrainedTowers, "config" | "figures">;
  try {
    const done = await train(pair, tokenizer, settings, hooks);
    trained = { weights: toHalfPrecision(await readClipWeights(pair)), ...done };
  } finally {
    destroyClipPair(pair);
  }
  const figures = await testWeights(engine, options, tokenizer, settings, trained.weights, hooks);
  return { config, ...trained, figures };
}

async function testWeights(
  engine: Engine,
  options: { config: ClipConfig; batch: number; textLength: number },
  tokenizer: Tokenizer,
  { seed }: VisionSettings,
  checkpoint: ReadonlyMap<string, Tensor>,
  { tests }: VisionHooks,
): Promise<TowerFigures> {
  const pair = createClipPair(engine, { ...options, seed, checkpoint });
  const towers = compileTowers(pair, tokenizer);
  try {
    return await evaluateTowers(towers, seed, tests);
  } finally {
    towers.destroy();
    destroyClipPair(pair);
  }
}

/**
 * Starts the learned positions of the patches from sines and cosines of their rows and columns (as
 * MAE fixes them, arXiv 2111.06377, appendix A.1), so that places are there to be read from the first
 * step.
 */
function startPositions({ engine, parameters, config: { vision_config: config } }: ClipPair): void {
  const { hidden_size: width, image_size, patch_size } = config;
  const name = "vision_model.embeddings.position_embedding.weight";
  const parameter = parameters.find((parameter) => parameter.name === name);
  if (!parameter) throw new RangeError(`Cannot start positions: the pair has no "${name}"`);
  const side = image_size / patch_size;
  const quarter = width / 4;
  const values = new Float32Array((1 + side * side) * width);
  for (let patch = 0; patch < side * side; patch++) {
    [patch % side, Math.floor(patch / side)].forEach((place, axis) => {
      for (let i = 0; i < quarter; i++) {
        const angle = place * 10_000 ** (-i / quarter);
        const at = (1 + patch) * width + 2 * axis * quarter + i;
        values[at] = Math.sin(angle);
        values[at + quarter] = Math.cos(angle);
      }
    });
  }
  writeParameter(engine, parameter, values);
}

async function train(
  pair: ClipPair,
  tokenizer: Tokenizer,
  settings: VisionSettings,
  hooks: VisionHooks,
): Promise<{ curve: VisionPoint[]; seconds: number }> {
  const { engine, config, parameters } = pair;
  const { beta1, beta2, eps, weightDecay, clip } = settings;
  const training = compileContrastiveStep(pair, { beta1, beta2, eps, weightDecay, clip });
  const towers = compileTowers(pair, tokenizer);
  try {
    const excluded = await evaluationPictures(config.vision_config.image_size);
    const { steps: _, decay: __, ...constant } = settings;
    return await trainResumably<VisionPoint>({
      engine,
      parameters,
      moments: training.moments,
      schedule: settings,
      path: hooks.folder && join(hooks.folder, CHECKPOINT),
      description: JSON.stringify({ config, ...constant }),
      train: (step, learningRate) =>
        runStep(pair, training, tokenizer, settings, step, learningRate, excluded),
      async measure(step) {
        const losses = meanOfEach(await training.readLosses());
        if (!Number.isFinite(losses.loss)) {
          throw new RangeError(
            `Cannot go on with the training: at step ${step} its loss is no number`,
          );
        }
        return { ...losses, heldOutAccuracy: await testBatch(towers, settings, excluded) };
      },
    }, hooks);
  } finally {
    towers.destroy();
    training.destroy();
  }
}

/** Draws the batch of a step and submits its update; does not wait. */
function runStep(
  pair: ClipPair,
  training: ContrastiveStep,
  tokenizer: Tokenizer,
  settings: VisionSettings,
  step: number,
  learningRate: number,
  excluded: ExcludedPictures,
) {
  const layout = { ...settings, side: pair.config.vision_config.image_size };
  const { images, captions } = pictureBatch(layout, settings.seed, step, excluded);
  writePictures(pair, pixelValues(images));
  const { ids, ends } = encodeCaptions(tokenizer, captions, pair.text.tokens);
  writeCaptions(pair, ids, ends);
  const correction = (beta: number): [number, number] => {
    const factor = biasCorrection(beta, step + 1);
    return [factor, factor];
  };
  const { share, from } = settings.text;
  training.run(step, {
    learningRate: [learningRate, step < from ? 0 : share * learningRate],
    correction1: correction(settings.beta1),
    correction2: correction(settings.beta2),
  });
}

/** A step that no training reaches, whose batch has siblings and captions of all kinds. */
const NEVER = 1_000_000_002;

/** Accuracy in a batch that no step draws. */
async function testBatch(
  towers: Towers,
  settings: VisionSettings,
  excluded: ExcludedPictures,
): Promise<number> {
  const layout = { ...settings, side: towers.side };
  const { images, captions } = pictureBatch(layout, settings.seed, NEVER, excluded);
  return recall(await towers.images(images), await towers.texts(captions)).at1;
}
