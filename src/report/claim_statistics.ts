/**
 * What a claim can be about, read off the runs of one seed.
 */
import type { EmbeddingGeometry, EmbeddingStatistics, RunRecord } from "../records/record.ts";
import { meanOverFolds, type Replicate } from "./conditions.ts";

/** A statistic of a claim. */
export interface ClaimStatistic {
  /** How the report calls it. */
  name: string;
  /** From the records' unit to the reported one. */
  factor: number;
  /** Decimals that are reported. */
  decimals: number;
  /**
   * Its value at one seed, null where the records do not have it; absent where it takes the runs of
   * all lambdas.
   */
  of?(replicate: Replicate): number | null;
}

const ofRun = (
  name: string,
  pick: (run: RunRecord) => number | null | undefined,
  decimals = 3,
): ClaimStatistic => ({
  name,
  factor: 1,
  decimals,
  of: (replicate) => meanOverFolds(replicate, (run) => pick(run) ?? null),
});
const ofEmbedding = (name: string, key: keyof EmbeddingStatistics, decimals?: number) =>
  ofRun(name, ({ embedding }) => embedding[key], decimals);
const ofPairs = (
  name: string,
  pick: (pairs: EmbeddingGeometry["pairs"]) => number | null | undefined,
) => ofRun(name, ({ geometry }) => geometry && pick(geometry.pairs));

/**
 * All of them, by the name that a study file gives them. All but the slope are compared with the
 * baseline's at the same seed.
 */
export const STATISTICS = {
  accuracy: {
    name: "accuracy",
    factor: 100,
    decimals: 2,
    of: ({ accuracy }) => accuracy.overall,
  },
  // The slope of the arm's accuracy over its lambdas.
  accuracyPerLambda: { name: "accuracy per unit of λ", factor: 100, decimals: 2 },
  averageCosine: ofEmbedding("average cosine", "averageCosine"),
  effectiveRank: ofEmbedding("effective rank", "effectiveRank"),
  effectiveRankCentred: ofEmbedding("effective rank centred", "effectiveRankCentred"),
  participationRatio: ofEmbedding("participation ratio", "participationRatio"),
  meanNorm: ofEmbedding("mean norm", "meanNorm"),
  cosineLoss: ofEmbedding("L_cos", "cosineLoss"),
  // It is near 1, so that little room is left.
  freshP2Cosine: ofEmbedding("cosine of a fresh P2", "freshP2Cosine", 4),
  modalityGap: ofPairs("modality gap", ({ modalityGap }) => modalityGap),
  // How far the norms are from those of text.
  normMismatch: ofPairs(
    "|ln of the norm ratio|",
    ({ normRatio }) => normRatio === undefined ? null : Math.abs(Math.log(normRatio)),
  ),
  ridgeR2: ofPairs("ridge R² of x", ({ ridgeR2 }) => ridgeR2.varianceWeighted),
  neighbourOverlap10: ofPairs("KNOR@10", ({ neighbourOverlap10 }) => neighbourOverlap10),
  generalisationGap: ofRun(
    "token loss, test less training",
    ({ losses }) => losses.testTokenLoss - losses.tokenLoss,
  ),
} as const satisfies Record<string, ClaimStatistic>;

/** Names of {@linkcode STATISTICS}. */
export const CLAIM_STATISTICS = Object.keys(STATISTICS) as (keyof typeof STATISTICS)[];
