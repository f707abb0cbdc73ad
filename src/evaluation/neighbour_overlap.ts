/** Do tokens keep their neighbours? */
import { checkPairedRows, type EmbeddingMatrix } from "./embedding_matrix.ts";
import { pairStatistics } from "./pair_statistics.ts";

/**
 * Neighbour overlap, KNOR@k: of the k nearest neighbours of a row in X (Euclidean, itself left out)
 * the share that are among its k nearest in Z, averaged over the rows (Li et al., Lost in embeddings,
 * Findings of EMNLP 2025, arXiv 2509.11986). 1 where all neighbours stay. Of equally near rows the one
 * with the lower number counts, so among rows that are equal it says nothing.
 *
 * @param x (rows, d1)
 * @param z (rows, d2)
 * @param k neighbours; default 10
 * @param queries rows whose neighbours are compared; default all
 * @throws {RangeError} when the numbers of rows differ, or there are not more than k
 *
 * @example
 * ```ts
 * import { neighbourOverlap } from "./neighbour_overlap.ts";
 * import assert from "node:assert/strict";
 *
 * const x = { rows: 4, cols: 1, data: Float64Array.of(0, 1, 10, 11) };
 * const z = { rows: 4, cols: 1, data: Float64Array.of(0, 10, 1, 11) };
 * assert.equal(neighbourOverlap(x, x, 1), 1);
 * assert.equal(neighbourOverlap(x, z, 1), 0);
 * ```
 */
export function neighbourOverlap(
  x: EmbeddingMatrix,
  z: EmbeddingMatrix,
  k = 10,
  queries?: readonly number[],
): number {
  checkPairedRows(x, z);
  const nearest = (matrix: EmbeddingMatrix) =>
    pairStatistics(matrix, { queries, neighbours: k }).neighbours;
  return sharedNeighbours(nearest(x), nearest(z), k);
}

/** Mean share of the first k of two lists of neighbours, nearest first, by query. */
export function sharedNeighbours(
  a: readonly number[][],
  b: readonly number[][],
  k: number,
): number {
  const shared = a.reduce((sum, list, i) => {
    const others = new Set(b[i].slice(0, k));
    return sum + list.slice(0, k).filter((row) => others.has(row)).length;
  }, 0);
  return shared / (k * a.length);
}
