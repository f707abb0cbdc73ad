/**
 * Cost of a training step as the work grows: time, memory and dispatches along one axis at a time.
 *
 * A step is what training does: pack and upload the batch, submit, do not wait. All programs of an axis are
 * alive together and are timed in turn, round after round, every second round backwards, so a slow
 * drift of the machine hits all of them alike.
 */
import type { BatchEntry } from "../src/data/packing.ts";
import type { Engine } from "../src/gpu/engine.ts";
import type { StepLosses } from "../src/models/training_step.ts";
import { READ_EVERY } from "../src/nn/loss_ring.ts";
import { compileStep, fullBatch, type StepSize, trainedNumbers } from "./training_model.ts";

/** The sizes of a step's work. */
export interface WorkSize {
  /** Images of a batch. */
  batch: number;
  /** Tokens of an image. */
  imageTokens: number;
  /** Width of the decoder and of P1. */
  hidden: number;
  /** Layers of the decoder. */
  layers: number;
  /** Questions about each image. */
  questions: number;
}

/** An axis along which the work grows. */
export type Axis = keyof WorkSize;

/** The questions of an image in one sequence, or each in a sequence of its own with the image. */
export type QuestionLayout = "packed" | "separate";

/** What is measured at one point. */
export interface PointSetting {
  axis: Axis;
  layout: QuestionLayout;
  size: WorkSize;
}

/** What one point cost. Sample r of every point of an axis was taken in the same round. */
export interface GrowthPoint extends PointSetting {
  /** Position on the axis. */
  value: number;
  /** Steps between two waits; a sample of the wall time is shared among them. */
  stepsPerSample: number;
  /** Wall clock per step, milliseconds, one a sample. */
  wall: number[];
  /**
   * Timestamps of one step's dispatches summed by kernel, milliseconds, one a sample; empty where
   * the adapter has no timestamps.
   */
  profiles: Record<string, number>[];
  /** Bytes of activations and gradients, as planned. */
  plannedBytes: number;
  /** Bytes of the trained parameters. */
  parameterBytes: number;
  /** Bytes of all matrices: the two above, the moments of AdamW and the inputs. */
  totalBytes: number;
  /** Bytes uploaded per step. */
  uploadedBytes: number;
  dispatches: number;
  /** Submits per step. */
  submits: number;
  /** Floating-point operations of a step's matrix products and attention. */
  flops: number;
  questionsPerStep: number;
  /** Losses of the first step, to compare layouts by. */
  firstLosses: StepLosses;
}

/** All that {@linkcode measureGrowth} measured; JSON. */
export interface GrowthRecord {
  /** The point that all axes go through. */
  base: WorkSize;
  samples: number;
  points: GrowthPoint[];
}

/** What to measure. */
export interface GrowthOptions {
  /** Rounds; default 5. */
  samples?: number;
  /** Default: all of {@linkcode AXES}. */
  axes?: string[];
  /** Called with one line for each point that is done. */
  onPoint?: (line: string) => void;
}

/** The point that all axes go through, near the size of the study `quick`. */
export const BASE: WorkSize = { batch: 8, imageTokens: 16, hidden: 64, layers: 2, questions: 10 };

/** Values along each axis, by the layouts in which they are measured. */
export const AXES: Record<Axis, Partial<Record<QuestionLayout, number[]>>> = {
  batch: { packed: [1, 2, 4, 8, 16, 32] },
  // What packing gains grows with the image, which separate sequences repeat for every question.
  imageTokens: { packed: [4, 16, 49, 100, 196], separate: [4, 16, 49] },
  hidden: { packed: [32, 64, 128, 256] },
  layers: { packed: [1, 2, 4, 8] },
  questions: { packed: [1, 2, 5, 10, 20, 40], separate: [1, 2, 5, 10, 20, 40] },
};

/** What is the same at every point: d_v, the tokens of a question, of its answer, and of the language. */
const VISION_WIDTH = 96;
const QUESTION = { block: 12, answers: 2, vocabulary: 288, pad: 0 };

/** A wait costs some 11 ms, so a sample takes long enough to lose it in. */
const SAMPLE_MILLISECONDS = 300;
const FEWEST_STEPS = 3;

/**
 * Measures training steps along the axes.
 *
 * @throws {RangeError} If there is no such axis, or no samples are asked for
 * @throws {Error} If a step's loss is not finite
 */
export async function measureGrowth(
  engine: Engine,
  { samples = 5, axes = Object.keys(AXES), onPoint = () => {} }: GrowthOptions = {},
): Promise<GrowthRecord> {
  const wanted = axes.map(checkAxis);
  const points: GrowthPoint[] = [];
  for (const axis of wanted) {
    points.push(...await measureTogether(engine, axisSettings(axis), samples, onPoint));
  }
  return { base: BASE, samples, points };
}

/** The points of an axis, layout by layout, all other sizes those of {@linkcode BASE}. */
export function axisSettings(axis: Axis): PointSetting[] {
  return Object.entries(AXES[axis]).flatMap(([layout, values]) =>
    values.map((value) => ({
      axis,
      layout: layout as QuestionLayout,
      size: { ...BASE, [axis]: value },
    }))
  );
}

function checkAxis(name: string): Axis {
  if (Object.hasOwn(AXES, name)) return name as Axis;
  throw new RangeError(
    `Cannot measure growth along "${name}": axes are ${Object.keys(AXES).join(", ")}`,
  );
}

/**
 * Measures points in turn, and frees all their memory.
 *
 * @throws {RangeError} If no samples are asked for
 * @throws {Error} If a step's loss is not finite
 */
export async function measureTogether(
  engine: Engine,
  settings: readonly PointSetting[],
  samples: number,
  onPoint: (line: string) => void = () => {},
): Promise<GrowthPoint[]> {
  if (!(samples >= 1)) throw new RangeError(`Cannot measure growth: got ${samples} samples`);
  using resources = new DisposableStack();
  const prepared: PreparedPoint[] = [];
  for (const setting of settings) prepared.push(await preparePoint(engine, setting, resources));
  for (let round = 0; round < samples; round++) {
    for (const { sample } of round % 2 ? prepared.toReversed() : prepared) await sample();
  }
  for (const { point, check } of prepared) {
    await check();
    onPoint(
      `${point.axis} ${point.value}, ${point.layout}: ${
        Math.min(...point.wall).toFixed(1)
      } ms a step at best`,
    );
  }
  return prepared.map(({ point }) => point);
}

/** A point whose program is alive. */
interface PreparedPoint {
  point: GrowthPoint;
  /** Takes one sample of each kind. */
  sample(): Promise<void>;
  /** Throws if training has left the finite numbers. */
  check(): Promise<void>;
}

async function preparePoint(
  engine: Engine,
  setting: PointSetting,
  resources: DisposableStack,
): Promise<PreparedPoint> {
  const { queue } = engine.device;
  const before = engine.memory.bytes;
  const { size, entries } = workOf(setting);
  const training = compileStep(engine, size, entries);
  resources.defer(training.destroy);
  const { program, readLosses } = training.step;
  const step = () => {
    training.write();
    training.run();
  };
  const run = async (steps: number) => {
    const start = performance.now();
    for (let i = 0; i < steps; i++) step();
    await queue.onSubmittedWorkDone();
    return (performance.now() - start) / steps;
  };
  // The first step also compiles.
  const { submits, uploadedBytes } = countQueue(queue, step);
  const [firstLosses] = await readLosses();
  const stepsPerSample = Math.min(
    Math.max(Math.ceil(SAMPLE_MILLISECONDS / await run(FEWEST_STEPS)), FEWEST_STEPS),
    READ_EVERY,
  );
  const point: GrowthPoint = {
    ...setting,
    value: setting.size[setting.axis],
    stepsPerSample,
    wall: [],
    profiles: [],
    plannedBytes: program.bytes,
    parameterBytes: 4 * trainedNumbers(size),
    totalBytes: engine.memory.bytes - before,
    uploadedBytes,
    dispatches: program.dispatches,
    submits,
    flops: program.flops,
    questionsPerStep: setting.size.batch * setting.size.questions,
    firstLosses,
  };
  return {
    point,
    async sample() {
      point.wall.push(await run(stepsPerSample));
      if (engine.device.features.has("timestamp-query")) {
        point.profiles.push(sumByKernel(await program.profile()));
      }
    },
    async check() {
      const loss = (await readLosses()).at(-1)!.tokenLoss;
      if (!Number.isFinite(loss)) {
        throw new Error(`Cannot measure ${setting.axis} ${point.value}: the loss became ${loss}`);
      }
    },
  };
}

/** The step's size and its batch: the same questions about the same images in either layout. */
function workOf({ layout, size }: PointSetting): { size: StepSize; entries: BatchEntry[] } {
  const { batch, imageTokens: prefix, hidden, layers, questions: blocks } = size;
  const packed = { batch, prefix, blocks, ...QUESTION };
  const of = { hidden, layers, visionWidth: VISION_WIDTH };
  const entries = fullBatch(packed);
  if (layout === "packed") return { size: { ...of, layout: packed }, entries };
  const single = entries.flatMap(({ image, questions }) =>
    questions.map((question) => ({ image, questions: [question] }))
  );
  return {
    size: { ...of, layout: { ...packed, batch: single.length, blocks: 1 } },
    entries: single,
  };
}

function sumByKernel(
  dispatches: readonly { kernel: string; milliseconds: number }[],
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { kernel, milliseconds } of dispatches) {
    sums[kernel] = (sums[kernel] ?? 0) + milliseconds;
  }
  return sums;
}

/**
 * Counts what a piece of work asks of the queue: submits, and bytes that it uploads.
 *
 * The queue's methods are stood in for while the work runs, so nothing has to be believed.
 */
export function countQueue(
  queue: GPUQueue,
  work: () => void,
): { submits: number; uploadedBytes: number } {
  const { submit, writeBuffer, writeTexture } = queue;
  let submits = 0;
  let uploadedBytes = 0;
  queue.submit = (...args) => {
    submits++;
    return submit.apply(queue, args);
  };
  queue.writeBuffer = (...args) => {
    uploadedBytes += args[2].byteLength;
    return writeBuffer.apply(queue, args);
  };
  queue.writeTexture = (...args) => {
    uploadedBytes += args[1].byteLength;
    return writeTexture.apply(queue, args as Parameters<GPUQueue["writeTexture"]>);
  };
  try {
    work();
  } finally {
    // What was put on the object hid the methods of its prototype.
    const own: Partial<GPUQueue> = queue;
    delete own.submit;
    delete own.writeBuffer;
    delete own.writeTexture;
  }
  return { submits, uploadedBytes };
}
