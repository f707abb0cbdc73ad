/** The variance and covariance terms of VICReg (arXiv 2105.04906) on the tape. */
import type { Tensor } from "../gpu/tensor.ts";
import { matmulNN, matmulTN } from "./matmul.ts";
import { columnSum } from "./reduce.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** Weights of the two terms. */
export interface VicregWeights {
  variance: number;
  covariance: number;
}

/** Under the root of the standard deviation, as in equation 2 of the paper. */
const EPS = 1e-4;

/**
 * Mean over the columns j of z of
 *
 *   variance max(0, gamma - sqrt(C_jj + eps)) + covariance sum over k != j of C_jk^2
 *
 * with C the covariance of the columns (rows - 1 below), equations 1 to 4 of the paper on one branch.
 * Sets the gradient of z, scaled by the step's lambda.
 *
 * @param z (rows, width), at least two rows
 * @param gamma Standard deviation below which a column is pushed apart: (1, 1)
 * @returns (width, 4): loss of the column, what its deviation lacks, its squared covariances, its deviation
 * @throws {RangeError} If there is one row only.
 */
export function vicregLoss(
  tape: Tape,
  z: Tensor,
  gamma: Tensor,
  { variance, covariance }: VicregWeights,
): Tensor {
  const { rows, columns: width, width4 } = z;
  if (rows < 2) throw new RangeError("Cannot trace vicregLoss: one row has no variance");
  const centred = tape.tensor("centred columns", rows, width);
  tape.dispatch("centre_columns", {
    matrices: { x: z, sums: columnSum(tape, z), y: centred },
    sizes: { rows, width4, inverse_rows: 1 / rows },
    grid: rowGrid(tape, rows),
  });
  const products = matmulTN(tape, centred, centred, { name: "products of columns" });
  const weights = tape.tensor("gradient weights of columns", width, width);
  const loss = tape.tensor("vicreg loss", width, 4);
  tape.dispatch("vicreg_terms", {
    matrices: { products, gamma, weights, loss },
    sizes: {
      width,
      width4,
      variance,
      covariance,
      eps: EPS,
      inverse_freedom: 1 / (rows - 1),
      inverse_width: 1 / width,
    },
    grid: rowGrid(tape, width),
  });
  tape.onBackward(() =>
    tape.accumulate(z, (base) => matmulNN(tape, centred, weights, { base, name: `d ${z.name}` }))
  );
  return loss;
}
