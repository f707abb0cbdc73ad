/**
 * Shards: a grid divided among processes that share nothing but the study's folder.
 *
 * The division is Graham's rule of the longest processing time first (R. L. Graham, Bounds on
 * multiprocessing timing anomalies, SIAM J. Appl. Math. 17, 1969): at most 4/3 of the shortest time
 * in which so many processes could be done. It depends on the grid and its estimated costs alone,
 * never on what is finished, so a study that goes on is divided as before.
 */
import { defaultPlan } from "../gpu/plan.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import type { RunSettings } from "../training/settings.ts";
import { ASSUMED_SPEED, runCosts } from "./estimate.ts";
import { runName } from "./grid.ts";

/** One share of a grid. */
export interface Shard {
  /** Which one, from 1. */
  index: number;
  /** Of how many. */
  count: number;
}

/**
 * Reads a shard as `i/n`.
 *
 * @throws {RangeError} If it is none.
 *
 * @example
 * ```ts
 * import { parseShard } from "./shards.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseShard("2/8"), { index: 2, count: 8 });
 * ```
 */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (!(index >= 1 && index <= count && Number.isSafeInteger(count))) {
    throw new RangeError(
      `Cannot read shard "${text}": it must be i/n with i from 1 to n, as in 2/8`,
    );
  }
  return { index, count };
}

/**
 * What must stay in one process: the rounds of an arm at one lambda, seed and fold, for each needs
 * the weights of the one before. In the grid's order.
 */
export function chainsOf(runs: readonly RunSettings[]): RunSettings[][] {
  return [...Map.groupBy(runs, (settings) => runName({ ...settings, round: 0 })).values()];
}

/**
 * The runs of a shard, in the grid's order. All shards together are the grid; where there are more
 * shards than chains of runs, the last ones are empty.
 *
 * @param secondsOf Estimated cost of a run; it must be the same in all processes.
 */
export function shardRuns(
  runs: readonly RunSettings[],
  { index, count }: Shard,
  secondsOf: (settings: RunSettings) => number,
): RunSettings[] {
  const chains = chainsOf(runs)
    .map((chain) => ({ chain, cost: chain.reduce((sum, run) => sum + secondsOf(run), 0) }))
    .sort((a, b) => b.cost - a.cost);
  const loads: number[] = Array(Math.min(count, chains.length)).fill(0);
  const mine = new Set<RunSettings>();
  for (const { chain, cost } of chains) {
    const least = loads.indexOf(loads.reduce((a, b) => Math.min(a, b)));
    loads[least] += cost;
    if (least === index - 1) chain.forEach((run) => mine.add(run));
  }
  return runs.filter((run) => mine.has(run));
}

/**
 * The runs of a shard by their estimated costs. Those are not of this adapter: all shards must divide
 * alike.
 */
export function shareOf(
  runs: readonly RunSettings[],
  shard: Shard,
  outline: PreparedData,
): RunSettings[] {
  const costOf = runCosts(outline, defaultPlan("image", true), ASSUMED_SPEED);
  return shardRuns(runs, shard, (settings) => costOf(settings).seconds);
}
