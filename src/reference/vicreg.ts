/**
 * The variance and covariance terms of VICReg: Bardes, Ponce and LeCun, arXiv 2105.04906, on one
 * branch. Estimators divide by rows - 1.
 */
import { matmul } from "./matmul.ts";
import type { Values } from "./values.ts";

/** A term and its gradient by z. */
export interface VicregTerm {
  loss: number;
  gradZ: Float64Array;
}

/** Mean over the columns of z of max(0, gamma - sqrt(var + eps)). */
export function vicregVariance(
  z: Values,
  width: number,
  { gamma, eps }: { gamma: number; eps: number },
): VicregTerm & { deviations: Float64Array } {
  const rows = z.length / width;
  const centred = centre(z, width);
  const variances = new Float64Array(width);
  for (let i = 0; i < z.length; i++) {
    variances[i % width] += centred[i] ** 2 / (rows - 1);
  }
  const deviations = variances.map((variance) => Math.sqrt(variance + eps));
  let loss = 0;
  for (const deviation of deviations) {
    loss += Math.max(0, gamma - deviation) / width;
  }
  const gradZ = centred.map((value, i) => {
    const deviation = deviations[i % width];
    return deviation < gamma ? -value / ((rows - 1) * deviation * width) : 0;
  });
  return { loss, deviations, gradZ };
}

/** Sum of the squared covariances of two different columns of z, over the width. */
export function vicregCovariance(z: Values, width: number): VicregTerm {
  const rows = z.length / width;
  const centred = centre(z, width);
  const products = matmul("TN", centred, centred, {
    m: width,
    k: rows,
    n: width,
  });
  const offDiagonal = products.map((product, i) =>
    i % width === Math.floor(i / width) ? 0 : product / (rows - 1)
  );
  let loss = 0;
  for (const covariance of offDiagonal) loss += covariance ** 2 / width;
  const gradZ = matmul("NN", centred, offDiagonal, {
    m: rows,
    k: width,
    n: width,
  })
    .map((value) => 4 * value / ((rows - 1) * width));
  return { loss, gradZ };
}

/** z minus the mean of each column. Its gradient passes unchanged: the terms' gradients are centred. */
function centre(z: Values, width: number): Float64Array {
  const rows = z.length / width;
  const means = new Float64Array(width);
  for (let i = 0; i < z.length; i++) means[i % width] += z[i] / rows;
  return Float64Array.from(z, (value, i) => value - means[i % width]);
}
