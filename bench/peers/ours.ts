/**
 * Our side: the programs that a study runs, under the kernel plan that it would use.
 *
 * Done is when `onSubmittedWorkDone` resolves; nothing is downloaded.
 */
import { openGpu } from "../../src/gpu/adapter.ts";
import type { AdapterRecord } from "../../src/gpu/adapter_info.ts";
import { createEngine, type Engine, writeStep } from "../../src/gpu/engine.ts";
import { createArray, readBuffer, readMatrix, writeMatrix } from "../../src/gpu/memory.ts";
import { compileProgram } from "../../src/gpu/program.ts";
import { freeTensor, ownTensor, type Tensor } from "../../src/gpu/tensor.ts";
import { createModel, destroyModel, writeBatch } from "../../src/models/multimodal.ts";
import { compileTrainingStep } from "../../src/models/training_step.ts";
import { biasCorrection } from "../../src/nn/schedule.ts";
import { cosineLoss } from "../../src/tensor/losses.ts";
import { matmulNN } from "../../src/tensor/matmul.ts";
import { rowTotal } from "../../src/tensor/reduce.ts";
import { createTape, keep, type Tape } from "../../src/tensor/tape.ts";
import {
  COMPARED_STEPS,
  type Peer,
  type Result,
  type Subject,
  type Task,
  timed,
} from "./subject.ts";

/** Plumbline, open: it stands where a peer stands, and also gives the engine. */
export interface Ours extends Peer {
  engine: Engine;
  adapter: AdapterRecord;
}

/** Opens the GPU; call it before any peer asks for an adapter. */
export async function openOurs(): Promise<Ours> {
  const { device, record, plan } = await openGpu();
  const engine = createEngine(device, plan);
  return {
    engine,
    adapter: record,
    version: `${plan.form} operands`,
    prepare: (task) => Promise.resolve(prepare(engine, task)),
    close: () => device.destroy(),
  };
}

function prepare(engine: Engine, task: Task): Subject {
  switch (task.kernel) {
    case "matmul":
      return prepareMatmul(engine, task);
    case "cosine-loss-forward":
    case "cosine-loss":
      return prepareCosineLoss(engine, task);
    case "training-step":
      return prepareTraining(engine, task);
  }
}

type TaskOf<Kernel extends Task["kernel"]> = Extract<Task, { kernel: Kernel }>;

const done = (engine: Engine) => () => engine.device.queue.onSubmittedWorkDone();

function matrix(
  engine: Engine,
  name: string,
  [rows, columns]: [number, number],
  values: Float32Array,
  needsGradient = false,
): Tensor {
  const tensor = ownTensor(engine, name, { rows, columns }, needsGradient);
  writeMatrix(engine.device, tensor.matrix!, values);
  return tensor;
}

function prepareMatmul(
  engine: Engine,
  { rows, inner, columns, a, b }: TaskOf<"matmul">,
): Subject {
  const tape = createTape(engine);
  const left = matrix(engine, "a", [rows, inner], a);
  const right = matrix(engine, "b", [inner, columns], b);
  const c = keep(matmulNN(tape, left, right));
  return subject(engine, tape, [left, right, c], async () => ({
    c: await readMatrix(engine.device, c.matrix!),
  }));
}

function prepareCosineLoss(
  engine: Engine,
  { kernel, rows, columns, x, y }: TaskOf<
    "cosine-loss" | "cosine-loss-forward"
  >,
): Subject {
  const backward = kernel === "cosine-loss";
  const tape = createTape(engine);
  const left = matrix(engine, "x", [rows, columns], x, backward);
  const right = matrix(engine, "y", [rows, columns], y, backward);
  const losses = cosineLoss(tape, left, right);
  const total = createArray(engine.device, 4, "loss");
  rowTotal(tape, losses, total, 0, 1 / rows);
  if (backward) tape.backward();
  const gradients = backward
    ? { dx: tape.gradientOf(left)!, dy: tape.gradientOf(right)! }
    : undefined;
  const kept = Object.values(gradients ?? {}).map((tensor) => keep(tensor));
  return subject(engine, tape, [left, right, ...kept], async () => {
    const result: Result = {
      loss: new Float32Array(await readBuffer(engine.device, total)).subarray(
        0,
        1,
      ),
    };
    for (const [name, { matrix }] of Object.entries(gradients ?? {})) {
      result[name] = await readMatrix(engine.device, matrix!);
    }
    return result;
  });
}

/** A traced program as a subject. */
function subject(
  engine: Engine,
  tape: Tape,
  owned: Tensor[],
  read: () => Promise<Result>,
): Subject {
  const program = compileProgram(engine, tape.commands);
  const run = () => {
    writeStep(engine, { lambda: 1, slot: 0 });
    program.run();
  };
  return {
    async result() {
      run();
      return await read();
    },
    time: (times) => timed(times, run, done(engine)),
    dispose() {
      program.destroy();
      for (const tensor of owned) freeTensor(engine, tensor);
    },
  };
}

function prepareTraining(
  engine: Engine,
  { step: task }: TaskOf<"training-step">,
): Subject {
  const { optimizer: { beta1, beta2 }, learningRate, lambda, packed } = task;
  const model = createModel(engine, task.config);
  writeBatch(model, task.images, packed);
  const training = compileTrainingStep(model, task.optimizer);
  const both = (value: number): [number, number] => [value, value];
  let step = 0;
  const run = () => {
    training.run(step, {
      learningRate: both(learningRate),
      correction1: both(biasCorrection(beta1, step + 1)),
      correction2: both(biasCorrection(beta2, step + 1)),
      lambda,
      tokenScale: 1 / packed.answerTokens,
    });
    step++;
  };
  return {
    async result() {
      for (let i = 0; i < COMPARED_STEPS; i++) run();
      const losses = await training.readLosses();
      return {
        tokenLoss: losses.map(({ tokenLoss }) => tokenLoss),
        cosineLoss: losses.map(({ cosineLoss }) => cosineLoss!),
      };
    },
    time: (times) => timed(times, run, done(engine)),
    dispose() {
      training.destroy();
      destroyModel(model);
    },
  };
}
