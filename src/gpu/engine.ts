/** The engine: device, kernel plan and pipelines of all programs, and the numbers of a step. */
import { type KernelCache, STEP_BYTES } from "./kernel.ts";
import type { KernelPlan } from "./plan.ts";

/** What all programs of one device share. */
export interface Engine {
  device: GPUDevice;
  plan: KernelPlan;
  cache: KernelCache;
  /** Uniform with the numbers of the current step. */
  step: GPUBuffer;
  /** Bytes of live matrices. */
  memory: { bytes: number };
}

/** Makes an engine on a device. */
export function createEngine(device: GPUDevice, plan: KernelPlan): Engine {
  const step = device.createBuffer({
    size: STEP_BYTES,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    label: "step",
  });
  return { device, plan, cache: new Map(), step, memory: { bytes: 0 } };
}

/**
 * The same engine, pipelines and memory included, under another plan.
 *
 * @throws {RangeError} If the plan has another number of lanes, which pipelines are made for.
 */
export function withPlan(engine: Engine, plan: KernelPlan): Engine {
  if (plan.lanes !== engine.plan.lanes) {
    throw new RangeError(
      `Cannot change the kernel plan: it has ${plan.lanes} lanes, the engine ${engine.plan.lanes}`,
    );
  }
  return { ...engine, plan };
}

/** The numbers of a training or decoding step. */
export interface StepNumbers {
  /** Learning rate of each optimiser group. */
  learningRate?: [number, number];
  /** 1 / (1 - beta1^t) and 1 / (1 - beta2^t) of each optimiser group. */
  correction1?: [number, number];
  correction2?: [number, number];
  lambda?: number;
  /** Weight of a token's loss, 1 / (answer tokens of the batch). */
  tokenScale?: number;
  /** Slot of the loss ring, or the number of the token that is decoded. */
  slot?: number;
  /** Steps before this one in the whole run, and the run's seed: what dropout draws its masks from. */
  number?: number;
  seed?: number;
}

/** Writes the step uniform; it takes effect with the next submit. */
export function writeStep(engine: Engine, numbers: StepNumbers): void {
  const { learningRate = [0, 0], correction1 = [1, 1], correction2 = [1, 1] } = numbers;
  const bytes = new ArrayBuffer(STEP_BYTES);
  new Float32Array(bytes).set([
    ...learningRate,
    ...correction1,
    ...correction2,
    numbers.lambda ?? 0,
    numbers.tokenScale ?? 0,
  ]);
  new Uint32Array(bytes).set([numbers.slot ?? 0, numbers.number ?? 0, numbers.seed ?? 0], 8);
  engine.device.queue.writeBuffer(engine.step, 0, bytes);
}
