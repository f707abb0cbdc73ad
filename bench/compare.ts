/** Two records side by side: which benchmarks became faster or slower. */
import { fixed } from "../src/report/number_format.ts";
import { table } from "../src/report/table.ts";
import { mannWhitney } from "./mann_whitney.ts";
import { spread, type Timing } from "./measure.ts";
import type { BenchRecord } from "./record.ts";

/** What happened to a benchmark's times. */
export type Change = "faster" | "slower" | "no difference seen";

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

/** Compares the benchmarks that both records have in the same size, in the chosen plan. */
export function compareRecords(old: BenchRecord, now: BenchRecord): Comparison[] {
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
    const change: Change = after < before ? "faster" : "slower";
    return {
      group,
      size,
      old: before,
      now: after,
      ratio: after / before,
      p: ps[i],
      adjusted: adjusted[i],
      verdict: adjusted[i] < LEVEL ? change : "no difference seen",
    };
  });
}

/** Timestamps where both have them, else wall clocks. */
function sameClock(a: Timing, b: Timing): [number[], number[]] {
  return a.gpu && b.gpu ? [a.gpu, b.gpu] : [a.wall, b.wall];
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
    `\nMedians; two-sided Mann-Whitney test, corrected after Holm, at ${LEVEL}.\n`;
}

const pValue = (p: number) => p < 0.0001 ? "< 0.0001" : fixed(p, 4);
