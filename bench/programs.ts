/**
 * The programs that the benchmarks time: inputs of the right sizes, and what runs on them.
 *
 * Work is counted in two ways. `Program.flops`: multiplications and additions of matrix products and
 * attention, nothing else. `Benchmark.bytes`: compulsory traffic, that is every input, result and
 * gradient once, what is updated in place twice (read and written); what passes between the kernels
 * of a program and small index arrays are left out. So GB/s is a lower bound of what really moves.
 */
import type { Command } from "../src/gpu/command.ts";
import { type Engine, writeStep } from "../src/gpu/engine.ts";
import { KERNELS } from "../src/gpu/kernel_files.ts";
import { createArray, width4, writeMatrix } from "../src/gpu/memory.ts";
import { compileProgram, type Program } from "../src/gpu/program.ts";
import { freeTensor, ownTensor, stateTensor, type Tensor } from "../src/gpu/tensor.ts";
import { traceAdamW } from "../src/nn/adamw.ts";
import { mlp, mlpSpecs } from "../src/nn/mlp.ts";
import { createParameters, freeParameters } from "../src/nn/parameters.ts";
import { randomValues } from "../src/reference/random_values.ts";
import { attention, sequenceLength } from "../src/tensor/attention.ts";
import { cosineLoss, crossEntropy } from "../src/tensor/losses.ts";
import { layerNorm, rmsNorm } from "../src/tensor/norm.ts";
import { createTape, type Tape } from "../src/tensor/tape.ts";
import { compileStep, trainedNumbers, trialSize } from "./training_model.ts";

/** A compiled benchmark; it owns what it works on. */
export interface BenchProgram {
  program: Program;
  /** Runs once without waiting. */
  run(): void;
  /** Frees the program and all its operands. */
  destroy(): void;
}

/** A benchmark: its name, its size in words, and the program on an engine. */
export interface Benchmark {
  group: string;
  size: string;
  /** Runs between two waits: enough for tens of milliseconds. */
  runs: number;
  /** Compulsory traffic of a run. */
  bytes: number;
  prepare(engine: Engine): BenchProgram;
}

type Shape = [rows: number, columns: number];

/** Bytes of float32 matrices. */
const bytesOf = (...shapes: Shape[]) =>
  shapes.reduce((sum, [rows, columns]) => sum + 4 * rows * columns, 0);

/** A matrix that comes from outside; it has no memory yet. */
function input([rows, columns]: Shape, needsGradient = true): Tensor {
  return { name: "input", rows, columns, width4: width4(columns), needsGradient };
}

/** Gives an input memory where the planner would put it, were it a result of the same program. */
function place(engine: Engine, tensor: Tensor, commands: readonly Command[]): void {
  const isOperand = commands.some(({ kernel, matrices }) =>
    KERNELS.get(kernel)!.operands.some(({ role, name }) =>
      role === "operand" && matrices[name] === tensor
    )
  );
  tensor.matrix = (isOperand ? ownTensor : stateTensor)(engine, tensor.name, tensor).matrix;
}

function fill({ device }: Engine, { rows, columns, matrix }: Tensor): void {
  writeMatrix(device, matrix!, Float32Array.from(randomValues(rows, rows * columns)));
}

/**
 * Compiles what `trace` writes; with `backward`, also the gradients from a given one of its result.
 *
 * @param free Frees what the program works on besides its inputs.
 */
function compile(
  engine: Engine,
  inputs: Tensor[],
  trace: (tape: Tape) => Tensor | void,
  backward: boolean,
  free = () => {},
): BenchProgram {
  const tape = createTape(engine);
  const y = trace(tape);
  const given = [...inputs];
  if (backward) {
    if (y) {
      const dy = input([y.rows, y.columns]);
      given.push(dy);
      tape.accumulate(y, () => dy);
    }
    tape.backward();
  }
  // The optimiser has laid gradients out already, and frees them.
  const placed = given.filter(({ matrix }) => !matrix);
  for (const tensor of placed) place(engine, tensor, tape.commands);
  for (const tensor of given) fill(engine, tensor);
  const program = compileProgram(engine, tape.commands);
  return {
    program,
    run() {
      writeStep(engine, { lambda: 1, tokenScale: 1, learningRate: [1e-3, 1e-3] });
      program.run();
    },
    destroy() {
      program.destroy();
      for (const tensor of placed) freeTensor(engine, tensor);
      free();
    },
  };
}

/** A projector of the founding note's size: 16 pictures of 50 tokens, 768 -> 2048 -> 2048. */
const PROJECTOR = mlpSpecs("P1", { in: 768, hidden: 2048, out: 2048 });
const PROJECTOR_SHAPES = PROJECTOR.map(({ rows, columns }): Shape => [rows, columns]);
const PICTURES: Shape = [16 * 50, 768];
const PROJECTED: Shape = [16 * 50, 2048];

function projection(engine: Engine, backward: boolean): BenchProgram {
  const parameters = new Map(
    PROJECTOR.map(({ name, rows, columns }) => [name, input([rows, columns])]),
  );
  const x = input(PICTURES, false);
  return compile(
    engine,
    [x, ...parameters.values()],
    (tape) => mlp(tape, "P1", x, parameters),
    backward,
  );
}

const SQUARE: Shape = [2048, 2048];

function cosine(engine: Engine, backward: boolean): BenchProgram {
  const [x, y] = [input(SQUARE), input(SQUARE)];
  const detach = { x: !backward, y: !backward };
  return compile(engine, [x, y], (tape) => void cosineLoss(tape, x, y, detach), backward);
}

const TRIAL = trialSize(128);
const TOKENS: Shape = [TRIAL.layout.batch * sequenceLength(TRIAL.layout), TRIAL.hidden];
const GAIN: Shape = [1, TRIAL.hidden];
const HEADS: Shape = [TOKENS[0], 3 * TRIAL.hidden];

function packedAttention(engine: Engine, backward: boolean): BenchProgram {
  const heads = { heads: 4, kvHeads: 4, headWidth: 32, headDim: 32 };
  const x = input(HEADS);
  return compile(engine, [x], (tape) => attention(tape, x, TRIAL.layout, heads), backward);
}

function rms(engine: Engine, backward: boolean): BenchProgram {
  const [x, weight] = [input(TOKENS), input(GAIN)];
  return compile(engine, [x, weight], (tape) => rmsNorm(tape, x, weight, 1e-5), backward);
}

function layer(engine: Engine, backward: boolean): BenchProgram {
  const [x, weight, bias] = [input(TOKENS), input(GAIN), input(GAIN)];
  return compile(
    engine,
    [x, weight, bias],
    (tape) => layerNorm(tape, x, weight, bias, 1e-5),
    backward,
  );
}

const LOGITS: Shape = [1920, 256];

function entropy(engine: Engine): BenchProgram {
  const [rows, vocabulary] = LOGITS;
  const logits = input(LOGITS);
  const labels = createArray(engine.device, rows);
  const values = Int32Array.from({ length: rows }, (_, i) => i % vocabulary);
  engine.device.queue.writeBuffer(labels, 0, values);
  return compile(
    engine,
    [logits],
    (tape) => void crossEntropy(tape, logits, labels),
    true,
    () => labels.destroy(),
  );
}

const WEIGHTS: Shape[] = Array(4).fill([512, 512]);

function adamw(engine: Engine): BenchProgram {
  const parameters = createParameters(
    engine,
    WEIGHTS.map(([rows, columns], i) => {
      const values = Float32Array.from(randomValues(i, rows * columns));
      return { name: `weight ${i}`, rows, columns, values };
    }),
  );
  const gradients = WEIGHTS.map((shape) => input(shape));
  const ring = createArray(engine.device, 4);
  const settings = { beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.01 };
  const group = { parameters, settings, optimizerGroup: 0, clipGroup: 0, clip: 1 } as const;
  let optimizer: ReturnType<typeof traceAdamW>;
  const trace = (tape: Tape) => {
    parameters.forEach(({ tensor }, i) => tape.accumulate(tensor, () => gradients[i]));
    optimizer = traceAdamW(tape, [group], ring);
  };
  return compile(engine, gradients, trace, false, () => {
    optimizer.destroy();
    freeParameters(engine, parameters);
    ring.destroy();
  });
}

/** Forward, backward and update of P1, P2 and a decoder of four layers. */
function trainingStep(engine: Engine): BenchProgram {
  const { step, run, destroy } = compileStep(engine, TRIAL);
  return { program: step.program, run, destroy };
}

/** Forward alone, then forward and backward, whose gradient comes from outside where `y` is given. */
function bothWays(
  group: string,
  size: string,
  runs: number,
  prepare: (engine: Engine, backward: boolean) => BenchProgram,
  shapes: { in: Shape[]; out: Shape[]; gradients: Shape[] },
): Benchmark[] {
  return [false, true].map((backward) => ({
    group: `${group}, ${backward ? "forward and backward" : "forward"}`,
    size,
    runs,
    bytes: bytesOf(...shapes.in, ...shapes.out, ...(backward ? shapes.gradients : [])),
    prepare: (engine) => prepare(engine, backward),
  }));
}

/** Every benchmark. */
export const BENCHMARKS: Benchmark[] = [
  ...bothWays("projection", "800 x 768 -> 2048 -> 2048", 1, projection, {
    in: [PICTURES, ...PROJECTOR_SHAPES],
    out: [PROJECTED],
    gradients: [PROJECTED, ...PROJECTOR_SHAPES],
  }),
  ...bothWays("cosine loss", "2048 x 2048", 4, cosine, {
    in: [SQUARE, SQUARE],
    out: [[SQUARE[0], 4]],
    gradients: [SQUARE, SQUARE],
  }),
  ...bothWays("attention", "16 x (25 + 10 x 12), 4 heads of 32", 4, packedAttention, {
    in: [HEADS],
    out: [TOKENS],
    gradients: [TOKENS, HEADS],
  }),
  ...bothWays("RMSNorm", "2320 x 128", 32, rms, {
    in: [TOKENS, GAIN],
    out: [TOKENS],
    gradients: [TOKENS, TOKENS, GAIN],
  }),
  ...bothWays("LayerNorm", "2320 x 128", 32, layer, {
    in: [TOKENS, GAIN, GAIN],
    out: [TOKENS],
    gradients: [TOKENS, TOKENS, GAIN, GAIN],
  }),
  {
    group: "cross-entropy, forward and backward",
    size: "1920 x 256",
    runs: 16,
    bytes: bytesOf(LOGITS, LOGITS, [LOGITS[0], 4]),
    prepare: entropy,
  },
  {
    group: "AdamW",
    size: "4 x 512 x 512",
    runs: 4,
    // Weight and two moments are read and written, the gradient is read.
    bytes: 7 * bytesOf(...WEIGHTS),
    prepare: adamw,
  },
  {
    group: "training step",
    size: "hidden 128, 4 layers",
    runs: 1,
    bytes: bytesOf(
      ...Array(6).fill([1, trainedNumbers(TRIAL)]),
      [TRIAL.layout.batch * TRIAL.layout.prefix, TRIAL.visionWidth],
    ),
    prepare: trainingStep,
  },
];
