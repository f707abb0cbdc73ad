/**
 * Statistics over pairs of rows: uniformity, nearest neighbours and the histogram of cosines, all in
 * one pass, because the products behind them are what takes time.
 */
import type { EmbeddingMatrix } from "./embedding_matrix.ts";
import { rowsBesideAll } from "./row_pairs.ts";

/** What one pass over pairs of rows gives. */
export interface PairStatistics {
  /** See {@linkcode uniformity}. */
  uniformity: number;
  /** Of each query, the rows nearest to it, nearest first; none where none are asked for. */
  neighbours: number[][];
  /** Pairs by cosine, in equal bins from -1 to 1. */
  cosineCounts: number[];
}

/** What is asked for. */
export interface PairOptions {
  /** Rows that are looked at beside all rows. Default: all. */
  queries?: readonly number[];
  /** Nearest neighbours of each. Default: none. */
  neighbours?: number;
  /** Bins of the histogram. Default: 40. */
  bins?: number;
}

/** Uniformity's t. */
const SHARPNESS = 2;

/**
 * Statistics over the pairs of a query and another row.
 *
 * @throws {RangeError} with fewer than 2 rows, or with fewer other rows than neighbours
 *
 * @example
 * ```ts
 * import { pairStatistics } from "./pair_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * const z = { rows: 3, cols: 2, data: Float64Array.of(1, 0, 1.1, 0, 0, 1) };
 * const { neighbours, cosineCounts } = pairStatistics(z, { neighbours: 1, bins: 2 });
 * assert.deepEqual(neighbours, [[1], [0], [0]]);
 * // No cosine is negative.
 * assert.deepEqual(cosineCounts, [0, 6]);
 * ```
 */
export function pairStatistics(
  matrix: EmbeddingMatrix,
  { queries = [...Array(matrix.rows).keys()], neighbours: nearest = 0, bins = 40 }: PairOptions =
    {},
): PairStatistics {
  const { rows } = matrix;
  if (nearest >= rows) {
    throw new RangeError(`Cannot find ${nearest} neighbours: there are ${rows - 1} other rows`);
  }
  const neighbours: number[][] = [];
  const cosineCounts = Array<number>(bins).fill(0);
  let sum = 0;
  for (const { query, squaredDistances, cosines } of rowsBesideAll(matrix, queries)) {
    for (let j = 0; j < rows; j++) {
      if (j === query) continue;
      sum += Math.exp(-SHARPNESS * (2 - 2 * cosines[j]));
      cosineCounts[binOf(cosines[j], bins)]++;
    }
    neighbours.push(nearestRows(squaredDistances, query, nearest));
  }
  return {
    uniformity: Math.log(sum / (queries.length * (rows - 1))),
    neighbours,
    cosineCounts,
  };
}

/** Rounding takes a cosine past 1, and 1 itself belongs to the last bin. */
function binOf(cosine: number, bins: number): number {
  return Math.min(bins - 1, Math.max(0, Math.floor((cosine + 1) / 2 * bins)));
}

/** The nearest rows but the query itself, nearest first; of equally near ones the lower number. */
function nearestRows(squaredDistances: Float64Array, query: number, count: number): number[] {
  const best: number[] = [];
  for (let j = 0; j < squaredDistances.length; j++) {
    if (j === query || count === 0) continue;
    if (best.length === count && squaredDistances[j] >= squaredDistances[best[count - 1]]) continue;
    let at = Math.min(best.length, count - 1);
    while (at > 0 && squaredDistances[best[at - 1]] > squaredDistances[j]) {
      best[at] = best[at - 1];
      at--;
    }
    best[at] = j;
  }
  return best;
}

/**
 * Uniformity: ln of the mean over pairs of different rows of exp(-2 |u_i - u_j|^2), unit rows u (Wang
 * and Isola, ICML 2020, arXiv 2005.10242). 0 for a complete collapse, about -4 for directions at random
 * in many dimensions. The time grows with the square of the rows.
 *
 * @throws {RangeError} with fewer than 2 rows
 *
 * @example
 * ```ts
 * import { uniformity } from "./pair_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * // A squared distance of 2.
 * const z = { rows: 2, cols: 2, data: Float64Array.of(5, 0, 0, 1) };
 * assert.ok(Math.abs(uniformity(z) + 4) < 1e-12);
 * ```
 */
export function uniformity(matrix: EmbeddingMatrix): number {
  return pairStatistics(matrix).uniformity;
}
