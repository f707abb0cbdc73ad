/**
 * A training that can be stopped and goes on as if it had not: the loop that the decoder's and the
 * towers' pre-training share.
 *
 * The learning rate rises, stays, and falls at the end. Until it falls nothing depends on how many
 * steps there are, so a training can still be made longer or shorter.
 */
import type { Engine } from "../gpu/engine.ts";
import type { Moments } from "../nn/adamw.ts";
import { READ_EVERY } from "../nn/loss_ring.ts";
import type { Parameter } from "../nn/parameters.ts";
import { warmupStableDecay } from "../nn/schedule.ts";
import { readTrainingState, writeTrainingState } from "../nn/training_state.ts";
import { loadCheckpoint, saveCheckpoint } from "../training/checkpoint.ts";

/** Steps of a training, and the last ones of them, with a falling learning rate. */
export interface Length {
  steps: number;
  decay: number;
}

/** The learning rate of a training and its length. */
export interface Schedule extends Length {
  learningRate: number;
  /** Steps with a rising learning rate. */
  warmup: number;
}

/** Points of the curve between two checkpoints. */
const POINTS_A_CHECKPOINT = 4;

/** Where a training goes on and what it tells. */
export interface ResumableHooks<Point> {
  /** Steps between points of the curve: `READ_EVERY` when absent, which is the most. */
  pointEvery?: number;
  onPoint?(point: Point): void;
  /** Stops after a checkpoint. */
  signal?: AbortSignal;
}

/** A training. */
export interface Resumable<Point> {
  engine: Engine;
  parameters: readonly Parameter[];
  moments: ReadonlyMap<string, Moments>;
  schedule: Schedule;
  /** File of its checkpoint; none is kept when absent. */
  path?: string;
  /** What determines it besides its length; no other's checkpoint is taken. */
  description: string;
  /** Submits a step, counted from 0; does not wait. */
  train(step: number, learningRate: number): void;
  /** What is to be kept of the steps since the last point. */
  measure(step: number): Promise<Point>;
}

/**
 * Trains, from the checkpoint where there is one.
 *
 * @returns The curve, and the seconds of all sittings.
 * @throws {RangeError} If the checkpoint was made with other settings.
 * @throws {DOMException} `AbortError` when the signal fires, after a checkpoint.
 */
export async function trainResumably<Point extends { step: number }>(
  { engine, parameters, moments, schedule, path, description, train, measure }: Resumable<
    Omit<Point, "step">
  >,
  { pointEvery = READ_EVERY, onPoint, signal }: ResumableHooks<Point>,
): Promise<{ curve: Point[]; seconds: number }> {
  const { steps, warmup, decay, learningRate } = schedule;
  const curve: Point[] = [];
  let step = 0;
  let secondsBefore = 0;
  const started = performance.now();
  const seconds = () => secondsBefore + (performance.now() - started) / 1000;
  const saved = path ? await loadCheckpoint(path) : null;
  if (saved) {
    checkLength(saved.metadata, schedule, path!);
    if (saved.metadata.description !== description) {
      throw new RangeError(
        `Cannot go on with "${path}": it was made with other settings; remove it to begin anew`,
      );
    }
    writeTrainingState(engine, parameters, moments, saved.state);
    step = Number(saved.metadata.step);
    secondsBefore = Number(saved.metadata.seconds);
    curve.push(...JSON.parse(saved.metadata.curve));
  }
  while (step < steps) {
    train(step, learningRate * warmupStableDecay(step, steps, warmup, decay));
    step++;
    if (step % pointEvery !== 0 && step !== steps) continue;
    const point = { step, ...await measure(step) } as Point;
    curve.push(point);
    onPoint?.(point);
    // Only here, where the curve has all steps.
    if (path && (curve.length % POINTS_A_CHECKPOINT === 0 || step === steps || signal?.aborted)) {
      const state = await readTrainingState(engine, parameters, moments);
      await saveCheckpoint(path, state, {
        description,
        steps: String(steps),
        decay: String(decay),
        step: String(step),
        seconds: String(seconds()),
        curve: JSON.stringify(curve),
      });
    }
    signal?.throwIfAborted();
  }
  return { curve, seconds: seconds() };
}

/**
 * Checks that a checkpoint can be gone on from at another length.
 *
 * @throws {RangeError} If the learning rate has begun to fall, or would have.
 */
function checkLength(metadata: Record<string, string>, length: Length, path: string): void {
  const before = { steps: Number(metadata.steps), decay: Number(metadata.decay) };
  if (before.steps === length.steps && before.decay === length.decay) return;
  const constant = ({ steps, decay }: Length) => steps - decay;
  if (Number(metadata.step) > Math.min(constant(before), constant(length))) {
    throw new RangeError(
      `Cannot go on with "${path}" to ${length.steps} steps: the learning rate has fallen by then; remove it to begin anew`,
    );
  }
}

/** The mean of each number of several records. */
export function meanOfEach<Numbers extends { [Key in keyof Numbers]: number }>(
  all: readonly Numbers[],
): Numbers {
  const keys = Object.keys(all[0]) as (keyof Numbers)[];
  return Object.fromEntries(
    keys.map((key) => [key, all.reduce((sum, each) => sum + each[key], 0) / all.length]),
  ) as Numbers;
}
