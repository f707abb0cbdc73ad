/** Timing of recorded programs: raw samples, and the order in which they are taken. */
import { quantile } from "simple-statistics";
import type { BenchProgram } from "./programs.ts";

/** Samples of one program, milliseconds a run. */
export interface Timing {
  /** Wall clock from the first submit to the end of the wait, divided by the runs between. */
  wall: number[];
  /** Sum over the dispatches of one run by GPU timestamps; null where there are none. */
  gpu: number[] | null;
}

/** Median and quartiles. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

/**
 * Median and quartiles of samples (linear between neighbours).
 *
 * @throws {RangeError} If there are no samples.
 */
export function spread(samples: readonly number[]): Spread {
  if (samples.length === 0) throw new RangeError("Cannot summarise samples: there are none");
  const [low, median, high] = [0.25, 0.5, 0.75].map((p) => quantile([...samples], p));
  return { low, median, high };
}

/** The samples that figures are computed from: GPU timestamps where there are any. */
export function timesOf({ wall, gpu }: Timing): number[] {
  return gpu ?? wall;
}

/** The samples of two programs by one clock: timestamps where both have them, else wall clocks. */
export function sameClock(a: Timing, b: Timing): [number[], number[]] {
  return a.gpu && b.gpu ? [a.gpu, b.gpu] : [a.wall, b.wall];
}

/** Programs whose run takes longer are timed by the wall clock alone: a wait's 11 ms vanish there. */
const LONGEST_PROFILED = 2000;

/** Milliseconds of `runs` runs and a wait. */
export async function wallTime(device: GPUDevice, run: () => void, runs = 1): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < runs; i++) run();
  await device.queue.onSubmittedWorkDone();
  return performance.now() - start;
}

/** How many runs, a power of two, take at least `milliseconds` together. */
export async function runsFor(
  device: GPUDevice,
  run: () => void,
  milliseconds: number,
): Promise<number> {
  let runs = 1;
  while (await wallTime(device, run, runs) < milliseconds) runs *= 2;
  return runs;
}

/** Milliseconds of all dispatches of one run by GPU timestamps. */
export async function gpuTime({ program }: Pick<BenchProgram, "program">): Promise<number> {
  return (await program.profile()).reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}

/** Whether a device gives timestamps. */
export function hasTimestamps(device: GPUDevice): boolean {
  return device.features.has("timestamp-query");
}

/**
 * Samples programs in turn, so that what else happens on the machine meets all of them; every other
 * round goes the other way. Before, each runs once to compile and once more to warm up.
 *
 * @param runs Runs between two waits.
 */
export async function alternate(
  device: GPUDevice,
  programs: readonly BenchProgram[],
  { runs, samples }: { runs: number; samples: number },
): Promise<Timing[]> {
  const timed: { bench: BenchProgram; timing: Timing }[] = [];
  for (const bench of programs) {
    await wallTime(device, bench.run);
    const warm = await wallTime(device, bench.run);
    const profiled = hasTimestamps(device) && warm < LONGEST_PROFILED;
    timed.push({ bench, timing: { wall: [], gpu: profiled ? [] : null } });
  }
  for (let round = 0; round < samples; round++) {
    for (const { bench, timing } of round % 2 === 0 ? timed : timed.toReversed()) {
      timing.wall.push(await wallTime(device, bench.run, runs) / runs);
      timing.gpu?.push(await gpuTime(bench));
    }
  }
  return timed.map(({ timing }) => timing);
}
