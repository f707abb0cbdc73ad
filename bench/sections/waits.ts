/** Whether a training step waits on the queue. */
import { quantile } from "simple-statistics";
import { READ_EVERY } from "../../src/nn/loss_ring.ts";
import { count, fixed } from "../../src/report/number_format.ts";
import { table } from "../../src/report/table.ts";
import type { BenchContext, Section, Target } from "../section.ts";
import { type BenchStep, compileStep, describeSize, QUICK_SIZE } from "../training_model.ts";

/** Calls of WebGPU that wait for the queue or fill it. */
export interface QueueCalls {
  submit: number;
  onSubmittedWorkDone: number;
  mapAsync: number;
}

/** A stretch of training as the host saw it. */
export interface WaitsRecord {
  size: string;
  /** Steps after which losses are read back. */
  readEvery: number;
  /** Milliseconds that each step held the host: batch written, program encoded and submitted. */
  steps: number[];
  /** Calls inside those steps. */
  inSteps: QueueCalls;
  /** Calls of all, the reading of losses among them. */
  inAll: QueueCalls;
}

const STEPS = 200;

/** Counts calls until `restore` is called. */
function countQueueCalls(): { calls: QueueCalls; restore(): void } {
  const calls: QueueCalls = { submit: 0, onSubmittedWorkDone: 0, mapAsync: 0 };
  const restores = [
    countMethod(GPUQueue.prototype, "submit", () => calls.submit++),
    countMethod(GPUQueue.prototype, "onSubmittedWorkDone", () => calls.onSubmittedWorkDone++),
    countMethod(GPUBuffer.prototype, "mapAsync", () => calls.mapAsync++),
  ];
  return { calls, restore: () => restores.forEach((restore) => restore()) };
}

/** Puts a counter before a method of a prototype, and returns what takes it away. */
function countMethod<Name extends string>(
  // deno-lint-ignore no-explicit-any
  prototype: Record<Name, (...args: any[]) => unknown>,
  name: Name,
  note: () => void,
): () => void {
  const original = prototype[name];
  prototype[name] = function (...args: unknown[]) {
    note();
    return original.apply(this, args);
  };
  return () => prototype[name] = original;
}

async function measure({ engine, say }: BenchContext): Promise<WaitsRecord> {
  say(`Running ${STEPS} steps without a wait`);
  const bench = compileStep(engine, QUICK_SIZE);
  const record = await runCounted(bench, STEPS);
  bench.destroy();
  return { size: describeSize(QUICK_SIZE), ...record };
}

/** Trains as `src/training/train_stage.ts` does, calls counted; one step before compiles. */
export async function runCounted(
  { step, write, run }: BenchStep,
  steps: number,
): Promise<Omit<WaitsRecord, "size">> {
  run();
  await step.readLosses();
  const { calls, restore } = countQueueCalls();
  const inSteps: QueueCalls = { submit: 0, onSubmittedWorkDone: 0, mapAsync: 0 };
  const times: number[] = [];
  try {
    for (let s = 0; s < steps; s++) {
      const before = { ...calls };
      const start = performance.now();
      write();
      run();
      times.push(performance.now() - start);
      for (const name of Object.keys(calls) as (keyof QueueCalls)[]) {
        inSteps[name] += calls[name] - before[name];
      }
      if ((s + 1) % READ_EVERY === 0 || s + 1 === steps) await step.readLosses();
    }
  } finally {
    restore();
  }
  return { readEvery: READ_EVERY, steps: times, inSteps, inAll: { ...calls } };
}

const waitsOf = ({ onSubmittedWorkDone, mapAsync }: QueueCalls) => onSubmittedWorkDone + mapAsync;
const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95, 1];

function render(record: WaitsRecord): string {
  const { size, readEvery, steps, inSteps, inAll } = record;
  return `${count(steps.length)} steps (${size}) made ${count(inSteps.submit)} submits and ` +
    `${count(waitsOf(inSteps))} waits. Losses were read back every ${readEvery} steps and at the ` +
    `end, which took ${count(waitsOf(inAll) - waitsOf(inSteps))} waits. A wait is a call of ` +
    "`mapAsync` or `onSubmittedWorkDone`. The host was held by a step for\n\n" +
    table([
      { header: "Quantile", cell: (p: number) => p === 1 ? "longest" : `${fixed(100 * p, 0)} %` },
      { header: "ms", align: "right", cell: (p) => fixed(quantile(steps, p), 2) },
    ], QUANTILES) +
    "\nOn lavapipe `submit` itself returns only when the submission before has finished, so a " +
    "step holds the host for about as long as the one before it computes.\n";
}

function targets(record: WaitsRecord): Target[] {
  const { readEvery, steps, inSteps, inAll } = record;
  const readings = Math.ceil(steps.length / readEvery);
  return [{
    what: `waits inside ${count(steps.length)} training steps`,
    aim: "none",
    measured: count(waitsOf(inSteps)),
    met: waitsOf(inSteps) === 0,
  }, {
    what: `waits of ${count(steps.length)} steps with the reading of losses`,
    aim: `one every ${readEvery} steps: ${readings}`,
    measured: count(waitsOf(inAll)),
    met: waitsOf(inAll) === readings,
  }];
}

/** Section `waits`. */
export const waits: Section<WaitsRecord> = {
  title: "Waits on the queue",
  measure,
  render,
  targets,
};
