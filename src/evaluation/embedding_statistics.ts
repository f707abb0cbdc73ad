/**
 * The statistics of projected image tokens that a run record keeps under `embedding`.
 */
import type { EmbeddingStatistics } from "../records/record.ts";
import { averageCosine } from "./average_cosine.ts";
import { effectiveRank } from "./effective_rank.ts";
import type { EmbeddingMatrix } from "./embedding_matrix.ts";
import { meanNorm } from "./mean_norm.ts";
import { participationRatio } from "./participation_ratio.ts";

/**
 * The statistics that a run record keeps.
 *
 * @param projected Z = P1(x) of held-out pictures, (tokens, d)
 * @param text the LLM's text embeddings, (vocabulary, d)
 * @param cosineLoss L_cos of the arm's own loss on the same pictures; null where it has none
 *
 * @example
 * ```ts
 * import { embeddingStatistics } from "./embedding_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * const z = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 0, 1) };
 * const text = { rows: 1, cols: 2, data: Float32Array.of(0, 2) };
 * const { tokens, averageCosine, meanNorm, textMeanNorm } = embeddingStatistics(z, text, null);
 * assert.deepEqual([tokens, averageCosine, meanNorm, textMeanNorm], [2, 0, 1, 2]);
 * ```
 */
export function embeddingStatistics(
  projected: EmbeddingMatrix,
  text: EmbeddingMatrix,
  cosineLoss: number | null,
): EmbeddingStatistics {
  return {
    tokens: projected.rows,
    averageCosine: averageCosine(projected),
    effectiveRank: effectiveRank(projected),
    effectiveRankCentred: effectiveRank(projected, { centred: true }),
    participationRatio: participationRatio(projected),
    meanNorm: meanNorm(projected),
    textMeanNorm: meanNorm(text),
    cosineLoss,
  };
}
