/**
 * Two records side by side: which benchmarks became faster or slower.
 *
 * The samples of a session share the state of its machine, so that a test of two sessions tells them
 * apart where the code is the same. A verdict therefore asks for more than a small p-value.
 */
import { fixed } from "../src/report/number_format.ts";
import { table } from "../src/report/table.ts";
import type { Environment } from "./environment.ts";
import { mannWhitney } from "./mann_whitney.ts";
import { sameClock, spread } from "./measure.ts";
import type { BenchRecord } from "./record.ts";

/** What happened to a benchmark's times. */
export type Change = "faster" | "slower" | "within the spread of sessions" | "no difference seen";

/** One benchmark of both records. */
export interface Comparison {
  group: string;
  size: string;
  /** Medians of the chosen plan, milliseconds a run. */
  old: number;
  now: number;
  /** Median now over median then; below 1 is faster. */
  ratio: number;
  /** Two-sided p-value of the Mann-Whitney test, and the same after Holm's correction. */
  p: number;
  adjusted: number;
  verdict: Change;
}

const LEVEL = 0.05;

/**
 * How many times as long a session may take for what another does without a difference of the code.
 *
 * Source: {@linkcode SEEN_SPREAD}, rounded up.
 */
export const SESSION_SPREAD = 1.3;

/**
 * How many times as long the same step of training took at most as at least, of five medians minutes
 * apart: 35.9 to 43.0 ms by the wall clock (p = 0.008 by the test of {@linkcode compareRecords}) and
 * 38.6 to 48.6 ms by timestamps in `reports/bench/growth.json`.
 */
export const SEEN_SPREAD = { wall: 1.2, timestamps: 1.26 };

/** What two records must share for their times to be comparable. */
const SHARED: [what: string, of: (environment: Environment) => string][] = [
  ["adapter", ({ adapter }) => adapter.description],
  ["processor", ({ processor: { model, threads } }) => `${model}, ${threads} threads`],
  ["operand form", ({ operandForm }) => operandForm],
];

/**
 * Refuses environments whose times differ for other reasons than the code.
 *
 * @throws {Error} If adapter, processor or operand form differ; the message names both.
 */
export function checkComparable(old: Environment, now: Environment): void {
  for (const [what, of] of SHARED) {
    if (of(old) === of(now)) continue;
    throw new Error(
      `Cannot compare measurements: the ${what} was "${of(old)}" and is "${of(now)}"`,
    );
  }
}

/**
 * Compares the benchmarks that both records have in the same size, in the chosen plan.
 *
 * @throws {Error} As {@linkcode checkComparable}.
 */
export function compareRecords(old: BenchRecord, now: BenchRecord): Comparison[] {
  checkComparable(old.environment, now.environment);
  const pairs = (now.sections.kernels ?? []).flatMap((record) => {
    const before = old.sections.kernels?.find(({ group, size }) =>
      group === record.group && size === record.size
    );
    return before ? [{ record, samples: sameClock(before.chosen, record.chosen) }] : [];
  });
  const ps = pairs.map(({ samples: [before, after] }) => mannWhitney(before, after).p);
  const adjusted = holm(ps);
  return pairs.map(({ record: { group, size }, samples }, i) => {
    const [before, after] = samples.map((times) => spread(times).median);
    const ratio = after / before;
    return {
      group,
      size,
      old: before,
      now: after,
      ratio,
      p: ps[i],
      adjusted: adjusted[i],
      verdict: verdictOf(ratio, adjusted[i]),
    };
  });
}

function verdictOf(ratio: number, p: number): Change {
  if (!(p < LEVEL)) return "no difference seen";
  if (ratio > SESSION_SPREAD) return "slower";
  return ratio < 1 / SESSION_SPREAD ? "faster" : "within the spread of sessions";
}

/**
 * Holm's step-down correction of p-values (Scandinavian Journal of Statistics 6, 1979, 65-70), in
 * their order.
 *
 * @example
 * ```ts
 * import { holm } from "./compare.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(holm([0.5, 0.125, 0.25]), [0.5, 0.375, 0.5]);
 * ```
 */
export function holm(ps: readonly number[]): number[] {
  const adjusted: number[] = [];
  let largest = 0;
  const order = ps.map((_, i) => i).sort((a, b) => ps[a] - ps[b]);
  order.forEach((place, rank) => {
    largest = Math.max(largest, Math.min(1, (ps.length - rank) * ps[place]));
    adjusted[place] = largest;
  });
  return adjusted;
}

/** The comparison as Markdown. */
export function renderComparison(
  comparisons: readonly Comparison[],
  old: BenchRecord,
  now: BenchRecord,
): string {
  const sides = [["Old", old], ["New", now]] as const;
  const where = sides.map(([name, { environment: { adapter, commit, time } }]) =>
    `- ${name}: ${adapter.description}, commit ${commit}, ${time}\n`
  ).join("");
  if (comparisons.length === 0) return `${where}\nNo benchmark is in both records.\n`;
  return `${where}\n` + table<Comparison>([
    { header: "Benchmark", cell: ({ group }) => group },
    { header: "Size", cell: ({ size }) => size },
    { header: "Old ms", align: "right", cell: ({ old }) => fixed(old, 3) },
    { header: "New ms", align: "right", cell: ({ now }) => fixed(now, 3) },
    { header: "New / old", align: "right", cell: ({ ratio }) => fixed(ratio, 3) },
    { header: "p", align: "right", cell: ({ p }) => pValue(p) },
    { header: "p (Holm)", align: "right", cell: ({ adjusted }) => pValue(adjusted) },
    { header: "Verdict", cell: ({ verdict }) => verdict },
  ], comparisons) +
    `\nMedians; two-sided Mann-Whitney test, corrected after Holm, at ${LEVEL}. Its samples share the ` +
    "state of the machine in their session, and sessions differ by themselves: faster or slower is " +
    `only what also differs ${SESSION_SPREAD} times, more than one step did minutes apart in ` +
    `growth.json of this project (${fixed(SEEN_SPREAD.wall, 2)} times by the wall clock, ${
      fixed(SEEN_SPREAD.timestamps, 2)
    } by timestamps).\n`;
}

const pValue = (p: number) => p < 0.0001 ? "< 0.0001" : fixed(p, 4);
