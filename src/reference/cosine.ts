import { dot, row, type Values } from "./values.ts";

/** Smallest norm a row is divided by, as in torch.nn.functional.cosine_similarity. */
const COSINE_EPS = 1e-8;

/**
 * Cosine of each pair of rows and loss = 1 - their mean: u and v (rows, width). The cosine of a zero
 * row is 0.
 */
export function cosineLoss(
  u: Values,
  v: Values,
  width: number,
): { loss: number; cosines: Float64Array } {
  const rows = u.length / width;
  const cosines = Float64Array.from({ length: rows }, (_, r) => {
    const [a, b] = [row(u, r, width), row(v, r, width)];
    return dot(a, b) / (clampedNorm(a) * clampedNorm(b));
  });
  return {
    loss: 1 - cosines.reduce((sum, cosine) => sum + cosine, 0) / rows,
    cosines,
  };
}

/**
 * Gradients of the loss of {@linkcode cosineLoss}. A row whose norm is clamped gets none: the exact
 * one would be its partner's unit vector over eps, 1e8 in size.
 */
export function cosineLossBackward(
  u: Values,
  v: Values,
  width: number,
): { gradU: Float64Array; gradV: Float64Array } {
  const rows = u.length / width;
  const gradU = new Float64Array(u.length);
  const gradV = new Float64Array(v.length);
  const { cosines } = cosineLoss(u, v, width);
  for (let r = 0; r < rows; r++) {
    const [a, b] = [row(u, r, width), row(v, r, width)];
    gradU.set(gradOfRow(a, b, cosines[r], -1 / rows), r * width);
    gradV.set(gradOfRow(b, a, cosines[r], -1 / rows), r * width);
  }
  return { gradU, gradV };
}

/** factor * d cos(a, b) / d a = factor * (b / |b| - cos a / |a|) / |a|. */
function gradOfRow(
  a: Float64Array,
  b: Float64Array,
  cosine: number,
  factor: number,
): Float64Array {
  const [normA, normB] = [clampedNorm(a), clampedNorm(b)];
  if (normA <= COSINE_EPS) return new Float64Array(a.length);
  return a.map((value, j) => factor * (b[j] / normB - cosine * value / normA) / normA);
}

const clampedNorm = (a: Float64Array) => Math.max(Math.sqrt(dot(a, a)), COSINE_EPS);
