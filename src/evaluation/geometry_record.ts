/**
 * The shape of embeddings as a run record keeps it under `geometry`: statistics, and the few numbers
 * behind each figure. Rounded to what a figure shows, so that a record stays small.
 */
import type { EmbeddingGeometry } from "../records/record.ts";
import { embeddingGeometry, type MeasuredMatrix, sampledRows } from "./embedding_geometry.ts";
import { type EmbeddingMatrix, pickRows, unitScales } from "./embedding_matrix.ts";
import { principalScores } from "./principal_components.ts";

/** Rows beside which all rows are looked at, where there are more; they take a second at most. */
const PAIR_ROWS = 512;
/** Points of the spectrum. */
const SPECTRUM_POINTS = 64;
/** Tokens on the map, of each kind. */
const MAP_TOKENS = { image: 200, text: 120 };
/** Digits that are kept: of statistics, of points in figures. */
const DIGITS = { statistic: 8, figure: 4 };

/**
 * Measures image tokens before and behind the projector, and text tokens.
 *
 * @param x image tokens of held-out pictures, (tokens, d_v)
 * @param projected the same tokens behind P1, (tokens, d)
 * @param text embeddings of the text tokens in use, (any number, d)
 * @throws {RangeError} with fewer than 2 tokens of a kind
 */
export function recordGeometry(
  x: EmbeddingMatrix,
  projected: EmbeddingMatrix,
  text: EmbeddingMatrix,
): EmbeddingGeometry {
  const measured = embeddingGeometry({ x, projected, text }, {
    exactRows: PAIR_ROWS,
    sampleRows: PAIR_ROWS,
  });
  const T = measured.text!;
  return {
    ...rounded({
      X: measured.x.statistics,
      Z: measured.projected.statistics,
      T: T.statistics,
      pairs: measured.pairs,
    }, DIGITS.statistic),
    ridge: measured.ridge,
    sampled: { X: measured.x.sampled?.length ?? null, T: T.sampled?.length ?? null },
    ...rounded({
      cosines: { X: cosineShares(measured.x), Z: cosineShares(measured.projected) },
      spectrum: { X: spectrum(measured.x), Z: spectrum(measured.projected) },
      map: tokenMap(projected, text),
    }, DIGITS.figure),
  };
}

function cosineShares({ cosineCounts }: MeasuredMatrix): number[] {
  const pairs = cosineCounts.reduce((a, b) => a + b, 0);
  return cosineCounts.map((count) => count / pairs);
}

/** Singular values at evenly spaced ranks, the first and the last among them, the largest being 1. */
function spectrum({ singularValues }: MeasuredMatrix): [number, number][] {
  const count = singularValues.length, points = Math.min(SPECTRUM_POINTS, count);
  const largest = singularValues[0] || 1;
  return Array.from({ length: points }, (_, i) => {
    const rank = points === 1 ? 0 : Math.round(i * (count - 1) / (points - 1));
    return [rank + 1, singularValues[rank] / largest];
  });
}

/**
 * Directions of some tokens of each kind on the first two principal components of them together.
 * Directions, because a decoder that normalises its input sees no norms, and one kind may be a
 * hundred times as long as the other.
 */
function tokenMap(projected: EmbeddingMatrix, text: EmbeddingMatrix): EmbeddingGeometry["map"] {
  const image = unitRows(pickSome(projected, MAP_TOKENS.image));
  const words = unitRows(pickSome(text, MAP_TOKENS.text));
  const { scores, explained } = principalScores({
    rows: image.rows + words.rows,
    cols: image.cols,
    data: Float64Array.from([...image.data, ...words.data]),
  }, 2);
  const points = scores.map(([a, b]): [number, number] => [a, b]);
  return {
    image: points.slice(0, image.rows),
    text: points.slice(image.rows),
    explained: [explained[0], explained[1]],
  };
}

function pickSome(matrix: EmbeddingMatrix, count: number): EmbeddingMatrix {
  return pickRows(matrix, sampledRows(matrix.rows, count));
}

function unitRows(matrix: EmbeddingMatrix): EmbeddingMatrix {
  const scales = unitScales(matrix);
  return {
    ...matrix,
    data: Float64Array.from(
      matrix.data,
      (value, at) => value * scales[Math.floor(at / matrix.cols)],
    ),
  };
}

/** The same with every number rounded to so many significant digits. */
function rounded<T>(value: T, digits: number): T {
  if (typeof value === "number") return Number(value.toPrecision(digits)) as T;
  if (Array.isArray(value)) return value.map((item) => rounded(item, digits)) as T;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, rounded(item, digits)]),
  ) as T;
}
