/**
 * The training step that is compared: what it computes, and the values it starts from.
 *
 * 16 pictures of 25 image tokens with 10 packed questions of 12 tokens; P1 and the P2 of
 * self-distillation, a decoder of four layers, AdamW with clipped gradients. Weights are in the
 * layout of Hugging Face's checkpoints, so that each side can arrange them as it likes.
 */
import { packBatch, type PackedBatch, type PackingLayout } from "../../src/data/packing.ts";
import type { Engine } from "../../src/gpu/engine.ts";
import {
  createModel,
  destroyModel,
  type MultimodalConfig,
  readWeights,
} from "../../src/models/multimodal.ts";
import type { OptimizerConfig } from "../../src/models/training_step.ts";
import type { MatrixValues } from "../../src/nn/matrix_values.ts";
import { OBJECTIVES } from "../../src/objectives/objectives.ts";
import { randomValues } from "../../src/reference/random_values.ts";

/** A training to compare. */
export interface StepTask {
  config: MultimodalConfig;
  optimizer: OptimizerConfig;
  learningRate: number;
  lambda: number;
  /** (batch * prefix, d_v). */
  images: Float32Array<ArrayBuffer>;
  packed: PackedBatch;
  /** First values of every parameter, by name: P1, P2, and the decoder's by their checkpoint names. */
  weights: Map<string, MatrixValues>;
}

const LAYOUT: PackingLayout = {
  batch: 16,
  prefix: 25,
  blocks: 10,
  block: 12,
  answers: 2,
  vocabulary: 256,
  pad: 0,
};
const VISION_WIDTH = 192;

/** The model of a comparison. */
export function stepConfig(hidden: number): MultimodalConfig {
  return {
    connector: "mlp",
    objective: OBJECTIVES["self-distillation"],
    decoder: {
      vocab_size: LAYOUT.vocabulary,
      hidden_size: hidden,
      intermediate_size: 3 * hidden,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      num_key_value_heads: 4,
      head_dim: hidden / 4,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      tie_word_embeddings: false,
    },
    visionWidth: VISION_WIDTH,
    projectorWidth: hidden,
    layout: LAYOUT,
    seed: 1,
  };
}

/** The batch of a comparison: every question as long as its block allows. */
export function stepBatch(): PackedBatch {
  const { batch, blocks, block, answers, vocabulary } = LAYOUT;
  const entries = Array.from({ length: batch }, (_, image) => ({
    image,
    questions: Array.from({ length: blocks }, (_, q) => ({
      prompt: Array.from(
        { length: block - answers },
        (_, t) => (7 * t + 3 * q + 11 * image) % vocabulary,
      ),
      answer: [(5 * q + image) % vocabulary, 3],
    })),
  }));
  return packBatch(entries, LAYOUT);
}

/** Draws the weights of a hidden size. */
export async function createStepTask(engine: Engine, hidden: number): Promise<StepTask> {
  const config = stepConfig(hidden);
  const model = createModel(engine, config);
  const { connector, objective, decoder } = await readWeights(model);
  destroyModel(model);
  return {
    config,
    optimizer: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 },
    learningRate: 1e-3,
    lambda: 1,
    images: Float32Array.from(randomValues(2, LAYOUT.batch * LAYOUT.prefix * VISION_WIDTH)),
    packed: stepBatch(),
    weights: new Map([...connector, ...objective, ...decoder!]),
  };
}

/** What the helpers below read of a task. */
export type StepShape = Pick<StepTask, "config" | "packed">;

/**
 * The token of every text place, (batch, blocks * block); the image tokens before them are left out.
 */
export function textTokens({ packed, config: { layout } }: StepShape): Int32Array<ArrayBuffer> {
  const { batch, prefix, blocks, block } = layout;
  const length = prefix + blocks * block;
  const tokens = new Int32Array(batch * blocks * block);
  for (let b = 0; b < batch; b++) {
    const text = packed.sources.subarray(b * length + prefix, (b + 1) * length);
    tokens.set(text, b * text.length);
  }
  return tokens;
}

/**
 * Which places of a sequence see each other, (length, length): 0 where row sees column, -1e9 where
 * not. A place sees the image before it, and of its own question what lies before it.
 */
export function attentionBias({ config: { layout } }: StepShape): Float32Array<ArrayBuffer> {
  const { prefix, blocks, block } = layout;
  const length = prefix + blocks * block;
  const question = (place: number) => place < prefix ? -1 : Math.floor((place - prefix) / block);
  const bias = new Float32Array(length * length);
  for (let row = 0; row < length; row++) {
    for (let column = 0; column < length; column++) {
      const seen = column <= row &&
        (column < prefix || question(column) === question(row));
      bias[row * length + column] = seen ? 0 : -1e9;
    }
  }
  return bias;
}

/**
 * Cosines and sines of the rotation of every place and pair, (length, head_dim / 2) each; pair i is
 * (i, i + head_dim / 2) of a head, as checkpoints have it.
 */
export function rotations(
  { config: { decoder, layout } }: StepShape,
): { cos: Float32Array<ArrayBuffer>; sin: Float32Array<ArrayBuffer> } {
  const { prefix, blocks, block } = layout;
  const length = prefix + blocks * block;
  const pairs = decoder.head_dim / 2;
  const cos = new Float32Array(length * pairs);
  const sin = new Float32Array(length * pairs);
  for (let place = 0; place < length; place++) {
    const position = place < prefix ? place : prefix + (place - prefix) % block;
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * decoder.rope_theta ** (-pair / pairs);
      cos[place * pairs + pair] = Math.cos(angle);
      sin[place * pairs + pair] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/**
 * Places within a question's block whose outputs predict its answer: all questions are as long here.
 *
 * @throws {RangeError} If the batch is packed otherwise.
 */
export function answerPlaces({ packed, config: { layout } }: StepShape): number[] {
  const { batch, prefix, blocks, block, answers } = layout;
  const first = packed.answerRows[0] - prefix;
  const places = Array.from({ length: answers }, (_, t) => first + t);
  for (let b = 0; b < batch; b++) {
    for (let q = 0; q < blocks; q++) {
      const start = b * (prefix + blocks * block) + prefix + q * block;
      places.forEach((place, t) => {
        if (
          packed.answerRows[(b * blocks + q) * answers + t] !== start + place
        ) {
          throw new RangeError(`Cannot slice answers: question ${q} of picture ${b} is shorter`);
        }
      });
    }
  }
  return places;
}
