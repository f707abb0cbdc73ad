/** Timing two sides in turn. */
import { median } from "simple-statistics";
import type { Subject } from "./subject.ts";

/** A sample lasts at least this long where runs are short, so that the wait behind it is small. */
const SAMPLE_MS = 300;
const MAX_RUNS = 10_000;

/** A first run that lasts longer is not repeated to warm up. */
const SLOW_MS = 3000;

/** What the peer's samples of one comparison may take; fewer alternations are made where they take more. */
const BUDGET_MS = 90_000;

/** Alternations that are made however long they take. */
export const FEWEST_ALTERNATIONS = 3;

/** Threads that still spin from the side before come to rest. */
const SETTLE_MS = 50;

/** The times of one side. */
export interface Side {
  /** Median milliseconds of a run. */
  milliseconds: number;
  /** Runs between two waits. */
  runs: number;
  /** Milliseconds of a run, one a sample. */
  samples: number[];
}

/** Runs a sample needs, given what `runs` took; `runs` itself when that was long enough. */
export function runsFor(runs: number, milliseconds: number): number {
  if (milliseconds >= SAMPLE_MS || runs >= MAX_RUNS) return runs;
  // A tenth more, or noise would ask for another round.
  return Math.min(
    MAX_RUNS,
    Math.ceil(1.1 * runs * SAMPLE_MS / Math.max(milliseconds, 0.01)),
  );
}

/** Alternations that fit the budget when one sample takes so long: at least three, at most as asked. */
export function alternationsFor(asked: number, milliseconds: number): number {
  const fitting = Math.floor(BUDGET_MS / milliseconds);
  return Math.min(asked, Math.max(FEWEST_ALTERNATIONS, fitting));
}

/** Warms a side up and finds how often it runs in a sample. */
async function calibrate(subject: Subject): Promise<{ runs: number; milliseconds: number }> {
  const first = await subject.time(1);
  if (first >= SLOW_MS) return { runs: 1, milliseconds: first };
  let runs = 1;
  while (true) {
    const milliseconds = await subject.time(runs);
    const needed = runsFor(runs, milliseconds);
    if (needed === runs) return { runs, milliseconds };
    runs = needed;
  }
}

/**
 * Times both sides in turn; which goes first changes each time, so that a drift favours neither.
 *
 * @param asked alternations, fewer if the peer is slow
 */
export async function alternate(
  ours: Subject,
  theirs: Subject,
  asked: number,
): Promise<{ ours: Side; theirs: Side }> {
  const sides = [
    { subject: ours, ...await calibrate(ours), samples: [] as number[] },
    { subject: theirs, ...await calibrate(theirs), samples: [] as number[] },
  ];
  const alternations = alternationsFor(asked, sides[1].milliseconds);
  for (let i = 0; i < alternations; i++) {
    for (const side of i % 2 === 0 ? sides : sides.toReversed()) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      side.samples.push(await side.subject.time(side.runs) / side.runs);
    }
  }
  const [a, b] = sides.map(({ runs, samples }): Side => ({
    milliseconds: median(samples),
    runs,
    samples,
  }));
  return { ours: a, theirs: b };
}
