/** Can x be recovered from z by a linear map? */
import { solvePositive } from "./cholesky.ts";
import { checkPairedRows, type EmbeddingMatrix } from "./embedding_matrix.ts";
import { columnsOf, products } from "./matrix_product.ts";
import { type JointMoments, jointMoments } from "./moments.ts";

/** How the regression is set up. */
export interface RidgeOptions {
  /** Weight of the penalty. Default: 1. */
  lambda?: number;
  /** The first rows, from which the map is learnt; the rest test it. Default: three quarters. */
  trainRows?: number;
}

/** Coefficient of determination on the rows that the map has not seen; at most 1, negative where it is worse than the mean. */
export interface RidgeRecovery {
  /** Mean over the columns of x. */
  uniform: number;
  /** 1 - total squared error / total variation. */
  varianceWeighted: number;
}

/** Share of the rows that train. */
const TRAIN_SHARE = 0.75;

/**
 * Settings with their defaults for so many rows.
 *
 * @throws {RangeError} when a part has no row, or lambda is not positive
 */
export function ridgeSettings(
  rows: number,
  { lambda = 1, trainRows = Math.floor(TRAIN_SHARE * rows) }: RidgeOptions = {},
): Required<RidgeOptions> {
  if (!(lambda > 0 && Number.isFinite(lambda))) {
    throw new RangeError(`Cannot fit a ridge regression: lambda must be positive, got ${lambda}`);
  }
  if (!Number.isInteger(trainRows) || trainRows < 1 || trainRows >= rows) {
    throw new RangeError(
      `Cannot fit a ridge regression: of ${rows} rows, ${trainRows} cannot train and the rest test`,
    );
  }
  return { lambda, trainRows };
}

/**
 * R^2 of recovering X from Z by ridge regression (Hoerl and Kennard, Technometrics 12, 1970):
 * W = (Z^T Z + lambda I)^-1 Z^T X of the training rows, centred with their means, tested on the other
 * rows. Variation is about the mean of the test rows. A column of x that does not vary there counts
 * as 1 where it is met exactly, else as 0.
 *
 * @param z (rows, d2), what is known
 * @param x (rows, d1), what is recovered
 * @throws {RangeError} when the numbers of rows differ, a part has no row, or lambda is not positive
 *
 * @example
 * ```ts
 * import { ridgeRecovery } from "./ridge_recovery.ts";
 * import assert from "node:assert/strict";
 *
 * const x = { rows: 8, cols: 1, data: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
 * const z = { ...x, data: x.data.map((value) => 5 - 2 * value) };
 * const { uniform, varianceWeighted } = ridgeRecovery(z, x, { lambda: 1e-9 });
 * assert.ok(Math.abs(uniform - 1) < 1e-9 && Math.abs(varianceWeighted - 1) < 1e-9);
 * ```
 */
export function ridgeRecovery(
  z: EmbeddingMatrix,
  x: EmbeddingMatrix,
  options: RidgeOptions = {},
): RidgeRecovery {
  checkPairedRows(x, z);
  const { lambda, trainRows } = ridgeSettings(x.rows, options);
  return ridgeRecoveryOf(jointMoments(x, z, 0, trainRows), jointMoments(x, z, trainRows), lambda);
}

/**
 * {@linkcode ridgeRecovery} of known moments. With centred test rows x and z and the offset c of the
 * prediction's mean, the squared error of a column is xx - 2 w xz + w zz w + n c^2.
 */
export function ridgeRecoveryOf(
  train: JointMoments,
  test: JointMoments,
  lambda: number,
): RidgeRecovery {
  const recovered = train.x.mean.length, known = train.z.mean.length;
  const weights = ridgeWeights(train, lambda);
  const spread = products(
    columnsOf({ rows: known, cols: known, data: test.z.scatter }),
    columnsOf({ rows: known, cols: recovered, data: weights }),
  );
  const offset = (of: "x" | "z", i: number) => test[of].mean[i] - train[of].mean[i];
  let errors = 0, variations = 0, uniform = 0;
  for (let j = 0; j < recovered; j++) {
    const variation = test.x.scatter[j * (recovered + 1)];
    let error = variation, missed = offset("x", j);
    for (let k = 0; k < known; k++) {
      const weight = weights[k * recovered + j];
      error += weight * (spread[k * recovered + j] - 2 * test.cross[j * known + k]);
      missed -= weight * offset("z", k);
    }
    error = Math.max(0, error) + test.x.rows * missed ** 2;
    errors += error;
    variations += variation;
    uniform += determination(error, variation) / recovered;
  }
  return { uniform, varianceWeighted: determination(errors, variations) };
}

function determination(error: number, variation: number): number {
  if (variation === 0) return error === 0 ? 1 : 0;
  return 1 - error / variation;
}

/** (Z^T Z + lambda I)^-1 Z^T X, (d2, d1). */
function ridgeWeights({ x, z, cross }: JointMoments, lambda: number): Float64Array {
  const recovered = x.mean.length, known = z.mean.length;
  const gram = z.scatter.slice();
  for (let i = 0; i < known; i++) gram[i * (known + 1)] += lambda;
  const right = new Float64Array(cross.length);
  for (let j = 0; j < recovered; j++) {
    for (let k = 0; k < known; k++) right[k * recovered + j] = cross[j * known + k];
  }
  return solvePositive(gram, known, right, recovered);
}
