/**
 * Means of questions that come in groups: the questions of a picture stand and fall together, so they
 * count for less than as many independent ones (Miller 2024, "Adding Error Bars to Evals", arXiv
 * 2411.00640; Liang and Zeger 1986 for cluster-robust errors).
 *
 * The questions are the sample here and the models are fixed: what another seed would do is not in it.
 */
import { mean, sum } from "simple-statistics";
import type { Interval } from "./intervals.ts";
import { studentTCdf, studentTQuantile } from "./student_t.ts";

/** A value of one question and the group that it belongs to. */
export interface ClusteredValue {
  /** For example 1 for a right answer, or the difference between two arms. */
  value: number;
  /** For example the picture. */
  cluster: string;
}

/** A mean over groups of values. */
export interface ClusteredMean {
  /** How many values. */
  n: number;
  /** How many groups. */
  clusters: number;
  /** Mean over all values. */
  mean: number;
  /** Its standard error, groups taken into account. */
  standardError: number;
  /** 95 % t interval with clusters - 1 degrees of freedom; null for one group. */
  interval: Interval | null;
  /** Two-sided p of a mean of 0, with the same degrees of freedom; null for one group. */
  p: number | null;
}

/**
 * The mean with its cluster-robust standard error,
 *
 *     se^2 = s^2 / n + (1 / n^2) sum over clusters of [(sum d)^2 - sum d^2],  d = value - mean
 *
 * with s^2 the sample variance; where every group has one value it is the ordinary one.
 *
 * @throws {RangeError} when there are fewer than two values
 *
 * @example
 * ```ts
 * import { clusteredMean } from "./clustered.ts";
 * import assert from "node:assert/strict";
 *
 * const answers = [1, 1, 0, 0].map((value, i) => ({ value, cluster: i < 2 ? "a" : "b" }));
 * // Two pictures, each all right or all wrong: hardly more than two answers.
 * assert.ok(Math.abs(clusteredMean(answers).standardError - 0.3819) < 1e-4);
 * ```
 */
export function clusteredMean(values: readonly ClusteredValue[]): ClusteredMean {
  const n = values.length;
  if (n < 2) throw new RangeError(`Cannot find a standard error: there are ${n} values`);
  const centre = mean(values.map(({ value }) => value));
  const squares = (list: readonly ClusteredValue[]) =>
    sum(list.map(({ value }) => (value - centre) ** 2));
  const groups = [...Map.groupBy(values, ({ cluster }) => cluster).values()];
  const shared = sum(
    groups.map((list) => sum(list.map(({ value }) => value - centre)) ** 2 - squares(list)),
  );
  const standardError = Math.sqrt(Math.max(0, squares(values) / (n - 1) / n + shared / n ** 2));
  const result = { n, clusters: groups.length, mean: centre, standardError };
  const df = groups.length - 1;
  if (df < 1) return { ...result, interval: null, p: null };
  const half = studentTQuantile(0.975, df) * standardError;
  const t = centre === 0 ? 0 : centre / standardError;
  return {
    ...result,
    interval: { low: centre - half, high: centre + half },
    p: Math.max(0, 2 * studentTCdf(-Math.abs(t), df)),
  };
}
