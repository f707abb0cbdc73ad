/**
 * Every statistic of image embeddings before and after the projector, at once: what they share (Gram
 * matrices, spectra, products of pairs) is computed once.
 */
import { stream } from "../data/random.ts";
import type { MatrixGeometry, PairGeometry } from "../records/record.ts";
import { alignment, meanCosine } from "./alignment.ts";
import { averageCosine } from "./average_cosine.ts";
import { collapseGauge } from "./collapse_gauge.ts";
import { effectiveRankOf, rankMeOf } from "./effective_rank.ts";
import {
  atLeastTwoRows,
  checkEqualWidths,
  checkPairedRows,
  type EmbeddingMatrix,
} from "./embedding_matrix.ts";
import { linearCkaOf } from "./linear_cka.ts";
import { modalityGap, normRatio } from "./modality_gap.ts";
import { jointMoments, mergeMoments, type Moments, momentsOf, uncentredGram } from "./moments.ts";
import { sharedNeighbours } from "./neighbour_overlap.ts";
import { type PairStatistics, pairStatistics } from "./pair_statistics.ts";
import { isoScoreOf, participationRatioOf } from "./participation_ratio.ts";
import { type RidgeOptions, ridgeRecoveryOf, ridgeSettings } from "./ridge_recovery.ts";
import { rootsOfGram, smallerGram } from "./singular_values.ts";

/** The embeddings. */
export interface Embeddings {
  /** x, image tokens before the projector, (rows, d1). */
  x: EmbeddingMatrix;
  /** z = P1(x), the same tokens behind it, (rows, d2). */
  projected: EmbeddingMatrix;
  /** The language model's text embeddings, (any number, d2). */
  text?: EmbeddingMatrix;
  /** z under a further transformation such as P2, (rows, d2). */
  transformed?: EmbeddingMatrix;
}

/** How it is measured. */
export interface GeometryOptions {
  /** The regression that recovers x. */
  ridge?: RidgeOptions;
  /**
   * With more rows than this, statistics of pairs look at so many {@linkcode sampledRows} beside all
   * rows. Default: 2048.
   */
  exactRows?: number;
  /** Rows of such a sample. Default: 512. */
  sampleRows?: number;
}

/** What was measured of one matrix. */
export interface MeasuredMatrix {
  /** Its statistics. */
  statistics: MatrixGeometry;
  /** Singular values of the rows as they are, largest first. */
  singularValues: Float64Array;
  /** Pairs by cosine, in 40 equal bins from -1 to 1. */
  cosineCounts: number[];
  /** Rows whose pairs with all rows were looked at; null where all were. */
  sampled: number[] | null;
}

/** What was measured. */
export interface Geometry {
  /** Of x. */
  x: MeasuredMatrix;
  /** Of z = P1(x). */
  projected: MeasuredMatrix;
  /** Of the text embeddings; absent without them. */
  text?: MeasuredMatrix;
  /** Of the matrices together. */
  pairs: PairGeometry;
  /** Linear CKA of X with itself: a check of the arithmetic, 1 unless all rows are equal. */
  linearCkaOfX: number;
  /** The regression behind `pairs.ridgeR2`. */
  ridge: Required<RidgeOptions>;
}

/** The sizes of neighbourhoods that are compared. */
const FEW = 5, MANY = 10;

const SAMPLE_SEED = 0;

/**
 * Every statistic, each with the formula and the source of its own function.
 *
 * A number that is not finite makes what rests on it NaN.
 *
 * @throws {RangeError} when there are fewer than 2 rows, numbers of rows or widths that must agree do
 * not, or the ridge options are not possible
 *
 * @example
 * ```ts
 * import { embeddingGeometry } from "./embedding_geometry.ts";
 * import assert from "node:assert/strict";
 *
 * const x = { rows: 4, cols: 2, data: Float32Array.of(1, 0, -1, 0, 0, 1, 0, -1) };
 * const projected = { ...x, data: x.data.map((value) => 3 * value) };
 * const { pairs } = embeddingGeometry({ x, projected, text: x });
 * assert.ok(Math.abs(pairs.linearCka - 1) < 1e-12);
 * assert.equal(pairs.normRatio, 3);
 * ```
 */
export function embeddingGeometry(
  { x, projected, text, transformed }: Embeddings,
  { ridge, exactRows = 2048, sampleRows = 512 }: GeometryOptions = {},
): Geometry {
  checkPairedRows(x, projected);
  atLeastTwoRows(x, "embedding statistics");
  for (const other of [text, transformed]) if (other) checkEqualWidths(projected, other);
  if (transformed) checkPairedRows(projected, transformed);
  const { lambda, trainRows } = ridgeSettings(x.rows, ridge);
  const train = jointMoments(x, projected, 0, trainRows);
  const test = jointMoments(x, projected, trainRows);
  const all = mergeMoments(train, test);
  const sampleOf = ({ rows }: EmbeddingMatrix) =>
    rows <= exactRows ? null : sampledRows(rows, sampleRows);
  const measure = (matrix: EmbeddingMatrix, moments: Moments, neighbours: number) => {
    const sampled = sampleOf(matrix);
    const pairs = pairStatistics(matrix, { queries: sampled ?? undefined, neighbours });
    return { ...measureMatrix(matrix, moments, pairs), pairs, sampled };
  };
  const neighbours = x.rows > MANY ? MANY : x.rows > FEW ? FEW : 0;
  const ofX = measure(x, all.x, neighbours), ofZ = measure(projected, all.z, neighbours);
  const overlap = (k: number) =>
    k <= neighbours ? sharedNeighbours(ofX.pairs.neighbours, ofZ.pairs.neighbours, k) : null;
  return {
    x: ofX,
    projected: ofZ,
    ...(text && { text: measure(text, momentsOf(text), 0) }),
    pairs: {
      linearCka: linearCkaOf(all),
      neighbourOverlap5: overlap(FEW),
      neighbourOverlap10: overlap(MANY),
      ridgeR2: ridgeRecoveryOf(train, test, lambda),
      ...(text && {
        modalityGap: modalityGap(projected, text),
        normRatio: normRatio(projected, text),
      }),
      ...(transformed && {
        meanCosine: meanCosine(projected, transformed),
        alignment: alignment(projected, transformed),
      }),
    },
    linearCkaOfX: linearCkaOf({ x: all.x, z: all.x, cross: all.x.scatter }),
    ridge: { lambda, trainRows },
  };
}

/** Numbers of the rows that stand for all of so many, ascending: the same for every matrix. */
export function sampledRows(rows: number, count: number): number[] {
  const all = [...Array(rows).keys()];
  return stream(SAMPLE_SEED, "embedding pairs").shuffle(all).slice(0, count).sort((a, b) => a - b);
}

function measureMatrix(
  matrix: EmbeddingMatrix,
  moments: Moments,
  { uniformity, cosineCounts }: PairStatistics,
): Omit<MeasuredMatrix, "sampled"> {
  const { rows, cols } = matrix;
  const tall = rows >= cols, size = Math.min(rows, cols);
  const centredGram = tall ? moments.scatter : smallerGram(matrix, { centred: true });
  const singularValues = rootsOfGram(tall ? uncentredGram(moments) : smallerGram(matrix), size);
  const participationRatio = participationRatioOf(centredGram, size);
  return {
    statistics: {
      rows,
      width: cols,
      effectiveRank: effectiveRankOf(singularValues),
      effectiveRankCentred: effectiveRankOf(rootsOfGram(centredGram, size)),
      rankMe: rankMeOf(singularValues),
      participationRatio,
      averageCosine: averageCosine(matrix),
      uniformity,
      collapseGauge: collapseGauge(matrix),
      collapseGaugePopulation: collapseGauge(matrix, { population: true }),
      isoScore: isoScoreOf(participationRatio, cols),
    },
    singularValues,
    cosineCounts,
  };
}
