/** The programs that the benchmarks time: inputs of the right sizes, and what runs on them. */
import type { PackingLayout } from "../src/data/packing.ts";
import { packBatch } from "../src/data/packing.ts";
import { createArray, writeMatrix } from "../src/gpu/memory.ts";
import {
  compileProgram,
  type Engine,
  ownTensor,
  type Tensor,
  writeStep,
} from "../src/gpu/program.ts";
import { createModel, writeBatch } from "../src/models/multimodal.ts";
import { compileTrainingStep } from "../src/models/training_step.ts";
import { traceAdamW } from "../src/nn/adamw.ts";
import { mlp, mlpSpecs } from "../src/nn/mlp.ts";
import { createParameter, drawValues } from "../src/nn/parameters.ts";
import { OBJECTIVES } from "../src/objectives/objectives.ts";
import { attention, sequenceLength } from "../src/tensor/attention.ts";
import { cosineLoss, crossEntropy } from "../src/tensor/losses.ts";
import { layerNorm, rmsNorm } from "../src/tensor/norm.ts";
import { createTape, type Tape } from "../src/tensor/tape.ts";
import { randomValues } from "../src/testing/random_values.ts";

/** Something to time: runs once without waiting. */
export type Run = () => void;

/** A benchmark: its name, its size in words, and the program on an engine. */
export interface Benchmark {
  group: string;
  size: string;
  /** Runs between two waits: enough for tens of milliseconds. */
  runs: number;
  prepare(engine: Engine): Run;
}

function matrix(engine: Engine, rows: number, columns: number, needsGradient = true): Tensor {
  const tensor = ownTensor(engine, "bench", { rows, columns }, needsGradient);
  writeMatrix(engine.device, tensor.matrix!, Float32Array.from(randomValues(rows, rows * columns)));
  return tensor;
}

/** Compiles what `trace` writes; with `backward`, also the gradients from a given one of its result. */
function program(engine: Engine, trace: (tape: Tape) => Tensor | void, backward: boolean): Run {
  const tape = createTape(engine);
  const y = trace(tape);
  if (backward) {
    if (y) {
      const dy = matrix(engine, y.rows, y.columns);
      tape.accumulate(y, () => dy);
    }
    tape.backward();
  }
  const { run } = compileProgram(engine, tape.commands);
  return () => {
    writeStep(engine, { lambda: 1, tokenScale: 1, learningRate: [1e-3, 1e-3] });
    run();
  };
}

/** Packed sequences of 16 images: 25 image tokens and 10 questions of 12. */
const PACKED: PackingLayout = {
  batch: 16,
  prefix: 25,
  blocks: 10,
  block: 12,
  answers: 2,
  vocabulary: 256,
  pad: 0,
};
const ROWS = PACKED.batch * sequenceLength(PACKED);
const HIDDEN = 128;

/** A projector of the founding note's size: 16 pictures of 50 tokens, 768 -> 2048 -> 2048. */
function projection(engine: Engine, backward: boolean): Run {
  const specs = mlpSpecs("P1", { in: 768, hidden: 2048, out: 2048 });
  const parameters = new Map(
    specs.map((spec) => [spec.name, createParameter(engine, spec, drawValues(1, spec)).tensor]),
  );
  const x = matrix(engine, 16 * 50, 768, false);
  return program(engine, (tape) => mlp(tape, "P1", x, parameters), backward);
}

function cosine(engine: Engine, backward: boolean): Run {
  const [x, y] = [matrix(engine, 2048, 2048), matrix(engine, 2048, 2048)];
  const detach = { x: !backward, y: !backward };
  return program(engine, (tape) => void cosineLoss(tape, x, y, detach), backward);
}

function packedAttention(engine: Engine, backward: boolean): Run {
  const heads = { heads: 4, kvHeads: 4, headWidth: 32, headDim: 32 };
  const x = matrix(engine, ROWS, 3 * HIDDEN);
  return program(engine, (tape) => attention(tape, x, PACKED, heads), backward);
}

function rms(engine: Engine, backward: boolean): Run {
  const [x, weight] = [matrix(engine, ROWS, HIDDEN), matrix(engine, 1, HIDDEN)];
  return program(engine, (tape) => rmsNorm(tape, x, weight, 1e-5), backward);
}

function layer(engine: Engine, backward: boolean): Run {
  const [x, weight, bias] = [ROWS, 1, 1].map((rows) => matrix(engine, rows, HIDDEN));
  return program(engine, (tape) => layerNorm(tape, x, weight, bias, 1e-5), backward);
}

function entropy(engine: Engine): Run {
  const rows = 1920;
  const logits = matrix(engine, rows, PACKED.vocabulary);
  const labels = createArray(engine.device, rows);
  engine.device.queue.writeBuffer(labels, 0, Int32Array.from({ length: rows }, (_, i) => i % 256));
  return program(engine, (tape) => void crossEntropy(tape, logits, labels), true);
}

function adamw(engine: Engine): Run {
  const parameters = [512, 512, 512, 512].map((rows, i) => ({
    name: `weight ${i}`,
    tensor: matrix(engine, rows, 512),
    decay: true,
  }));
  const ring = createArray(engine.device, 4);
  return program(engine, (tape) => {
    for (const { tensor } of parameters) {
      const gradient = matrix(engine, tensor.rows, tensor.columns);
      tape.accumulate(tensor, () => gradient);
    }
    const settings = { beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.01 };
    traceAdamW(tape, [{ parameters, settings, optimizerGroup: 0, clipGroup: 0, clip: 1 }], ring);
  }, false);
}

/** Forward, backward and update of P1, P2 and a decoder of four layers. */
function trainingStep(engine: Engine): Run {
  const model = createModel(engine, {
    connector: "mlp",
    objective: OBJECTIVES["self-distillation"],
    decoder: {
      vocab_size: PACKED.vocabulary,
      hidden_size: HIDDEN,
      intermediate_size: 3 * HIDDEN,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      num_key_value_heads: 4,
      head_dim: HIDDEN / 4,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      tie_word_embeddings: false,
    },
    visionWidth: 192,
    projectorWidth: HIDDEN,
    layout: PACKED,
    seed: 1,
  });
  const entries = Array.from({ length: PACKED.batch }, (_, image) => ({
    image,
    questions: Array.from({ length: PACKED.blocks }, (_, q) => ({
      prompt: Array.from({ length: 10 }, (_, t) => (7 * t + 3 * q + image) % PACKED.vocabulary),
      answer: [q % 7, 3],
    })),
  }));
  const images = Float32Array.from(randomValues(2, PACKED.batch * PACKED.prefix * 192));
  const packed = packBatch(entries, PACKED);
  writeBatch(model, images, packed);
  const optimizer = { beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.01, clip: 1 };
  const step = compileTrainingStep(model, optimizer);
  const tokenScale = 1 / packed.answerTokens;
  return () => step.run(0, { learningRate: [1e-4, 1e-4], lambda: 1, tokenScale });
}

const bothWays = (
  group: string,
  size: string,
  runs: number,
  prepare: (engine: Engine, backward: boolean) => Run,
): Benchmark[] =>
  [false, true].map((backward) => ({
    group: `${group}, ${backward ? "forward and backward" : "forward"}`,
    size,
    runs,
    prepare: (engine) => prepare(engine, backward),
  }));

/** Every benchmark. */
export const BENCHMARKS: Benchmark[] = [
  ...bothWays("projection", "800 x 768 -> 2048 -> 2048", 1, projection),
  ...bothWays("cosine loss", "2048 x 2048", 4, cosine),
  ...bothWays("attention", "16 x (25 + 10 x 12), 4 heads of 32", 4, packedAttention),
  ...bothWays("RMSNorm", "2320 x 128", 32, rms),
  ...bothWays("LayerNorm", "2320 x 128", 32, layer),
  { group: "cross-entropy", size: "1920 x 256", runs: 16, prepare: entropy },
  { group: "AdamW", size: "4 x 512 x 512", runs: 4, prepare: adamw },
  { group: "training step", size: "hidden 128, 4 layers", runs: 1, prepare: trainingStep },
];
