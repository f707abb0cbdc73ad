/**
 * Ranks that are no whole numbers: how many directions the singular values are spread over.
 */
import type { CentringOption, EmbeddingMatrix } from "./embedding_matrix.ts";
import { singularValues } from "./singular_values.ts";

/**
 * Effective rank, exp(-sum p ln p) with p = sigma / sum sigma over the singular values (Roy and
 * Vetterli, The effective rank, EUSIPCO 2007). Between 1 and min(rows, cols); 0 for a zero matrix.
 *
 * @example
 * ```ts
 * import { effectiveRank } from "./effective_rank.ts";
 * import assert from "node:assert/strict";
 *
 * const spread = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 0, 1) };
 * const collapsed = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 2, 0) };
 * assert.ok(Math.abs(effectiveRank(spread) - 2) < 1e-9);
 * assert.ok(Math.abs(effectiveRank(collapsed) - 1) < 1e-9);
 * ```
 */
export function effectiveRank(matrix: EmbeddingMatrix, option: CentringOption = {}): number {
  return effectiveRankOf(singularValues(matrix, option));
}

/**
 * RankMe: the effective rank with p = sigma / sum sigma + 1e-7 (Garrido et al., RankMe, ICML 2023,
 * arXiv 2210.02885), of the rows as they are. 0 for a zero matrix.
 *
 * @example
 * ```ts
 * import { rankMe } from "./effective_rank.ts";
 * import assert from "node:assert/strict";
 *
 * const z = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 0, 1) };
 * assert.ok(Math.abs(rankMe(z) - 2) < 1e-6);
 * ```
 */
export function rankMe(matrix: EmbeddingMatrix): number {
  return rankMeOf(singularValues(matrix));
}

/** {@linkcode effectiveRank} of known singular values. */
export function effectiveRankOf(values: Float64Array): number {
  return exponentialEntropy(values, 0);
}

/** {@linkcode rankMe} of known singular values. */
export function rankMeOf(values: Float64Array): number {
  return exponentialEntropy(values, 1e-7);
}

/** exp(-sum p ln p), p = value / sum + offset, 0 ln 0 = 0. */
function exponentialEntropy(values: Float64Array, offset: number): number {
  const sum = values.reduce((a, b) => a + b, 0);
  if (sum === 0) return 0;
  let entropy = 0;
  for (const value of values) {
    const p = value / sum + offset;
    if (p !== 0) entropy -= p * Math.log(p);
  }
  return Math.exp(entropy);
}
