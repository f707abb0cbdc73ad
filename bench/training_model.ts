/** Training steps to time: a model of a given size and one made-up batch. */
import { type BatchEntry, packBatch, type PackingLayout } from "../src/data/packing.ts";
import type { Engine } from "../src/gpu/engine.ts";
import type { LlamaConfig } from "../src/models/llama_config.ts";
import { llamaSpecs } from "../src/models/llama_weights.ts";
import { createModel, destroyModel, writeBatch } from "../src/models/multimodal.ts";
import { compileTrainingStep, type TrainingStep } from "../src/models/training_step.ts";
import { mlpSpecs } from "../src/nn/mlp.ts";
import { biasCorrection } from "../src/nn/schedule.ts";
import { OBJECTIVES } from "../src/objectives/objectives.ts";
import { randomValues } from "../src/reference/random_values.ts";

/** What sets the cost of a step: decoder, image encoding and batch. */
export interface StepSize {
  hidden: number;
  layers: number;
  /** Width of the image encoding, d_v. */
  visionWidth: number;
  layout: PackingLayout;
}

const ANSWERS = { answers: 2, vocabulary: 256, pad: 0 };

/** The founding trial: 16 images x (25 image tokens + 10 questions x 12), four layers. */
export function trialSize(hidden: number): StepSize {
  const layout = { batch: 16, prefix: 25, blocks: 10, block: 12, ...ANSWERS };
  return { hidden, layers: 4, visionWidth: 192, layout };
}

/** The size of study `quick`: 8 images x (16 image tokens + 10 questions x 12), two layers. */
export const QUICK_SIZE: StepSize = {
  hidden: 64,
  layers: 2,
  visionWidth: 48,
  layout: { batch: 8, prefix: 16, blocks: 10, block: 12, ...ANSWERS },
};

/** A size in words. */
export function describeSize({ hidden, layers, visionWidth, layout }: StepSize): string {
  const { batch, prefix, blocks, block } = layout;
  return `hidden ${hidden}, ${layers} layers, d_v ${visionWidth}, ` +
    `${batch} x (${prefix} + ${blocks} x ${block}) tokens`;
}

/** Four heads, SwiGLU of three times the width. */
function decoderConfig({ hidden, layers, layout }: StepSize): LlamaConfig {
  return {
    vocab_size: layout.vocabulary,
    hidden_size: hidden,
    intermediate_size: 3 * hidden,
    num_hidden_layers: layers,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    head_dim: hidden / 4,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: false,
  };
}

/** Numbers that a step trains: P1, P2 and the decoder. */
export function trainedNumbers(size: StepSize): number {
  const { hidden, visionWidth } = size;
  return [
    ...mlpSpecs("P1", { in: visionWidth, hidden, out: hidden }),
    ...mlpSpecs("P2", { in: hidden, hidden, out: hidden }),
    ...llamaSpecs(decoderConfig(size)),
  ].reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}

/** A full batch: every image with as many questions as its sequence holds, ten prompt tokens each. */
export function fullBatch({ batch, blocks, vocabulary }: PackingLayout): BatchEntry[] {
  return Array.from({ length: batch }, (_, image) => ({
    image,
    questions: Array.from({ length: blocks }, (_, q) => ({
      prompt: Array.from({ length: 10 }, (_, t) => (7 * t + 3 * q + image) % vocabulary),
      answer: [q % 7, 3],
    })),
  }));
}

/** A training step on one batch. */
export interface BenchStep {
  step: TrainingStep;
  /** Uploads the batch anew, as training does before each step. */
  write(): void;
  /** Runs the next step; does not wait. */
  run(): void;
  destroy(): void;
}

/**
 * Compiles a training step with self-distillation (P1, P2, decoder, AdamW). The same seed gives every
 * layout of a size the same first weights.
 *
 * @param entries The batch; an image's features depend on its index only.
 */
export function compileStep(
  engine: Engine,
  size: StepSize,
  entries: BatchEntry[] = fullBatch(size.layout),
): BenchStep {
  const { hidden, visionWidth, layout } = size;
  const model = createModel(engine, {
    connector: "mlp",
    objective: OBJECTIVES["self-distillation"],
    decoder: decoderConfig(size),
    visionWidth,
    projectorWidth: hidden,
    layout,
    seed: 1,
  });
  const optimizer = { beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.01, clip: 1 };
  const step = compileTrainingStep(model, optimizer);
  const features = new Float32Array(layout.batch * layout.prefix * visionWidth);
  entries.forEach(({ image }, b) => {
    const values = randomValues(image + 1, layout.prefix * visionWidth);
    features.set(values, b * values.length);
  });
  let next = 0, tokenScale = 0;
  const write = () => {
    const packed = packBatch(entries, layout);
    writeBatch(model, features, packed);
    tokenScale = 1 / packed.answerTokens;
  };
  write();
  return {
    step,
    write,
    run() {
      const [c1, c2] = [optimizer.beta1, optimizer.beta2].map((beta) =>
        biasCorrection(beta, next + 1)
      );
      step.run(next++, {
        learningRate: [1e-4, 1e-4],
        correction1: [c1, c1],
        correction2: [c2, c2],
        lambda: 1,
        tokenScale,
      });
    },
    destroy() {
      step.destroy();
      destroyModel(model);
    },
  };
}
