/** Rotary position embedding, rotate-half form: Su et al., arXiv 2104.09864. */
import type { Values } from "./values.ts";

/** What the rotation depends on. */
export interface RopeSize {
  /** Even; entry i turns together with entry i + headDim / 2. */
  headDim: number;
  /** Entry i turns by position * theta^(-2 i / headDim). */
  theta: number;
}

/** Turns x (heads, tokens, headDim) by the position of each token. */
export function rope(
  x: Values,
  positions: Values,
  size: RopeSize,
): Float64Array {
  return rotate(x, positions, size, 1);
}

/** Gradient of {@linkcode rope}: a rotation's transpose turns back. */
export function ropeBackward(
  gradY: Values,
  positions: Values,
  size: RopeSize,
): Float64Array {
  return rotate(gradY, positions, size, -1);
}

function rotate(
  x: Values,
  positions: Values,
  { headDim, theta }: RopeSize,
  direction: 1 | -1,
): Float64Array {
  const half = headDim / 2;
  const y = new Float64Array(x.length);
  for (let r = 0; r < x.length / headDim; r++) {
    const position = positions[r % positions.length];
    for (let i = 0; i < half; i++) {
      const angle = direction * position * theta ** (-2 * i / headDim);
      const [a, b] = [r * headDim + i, r * headDim + half + i];
      y[a] = x[a] * Math.cos(angle) - x[b] * Math.sin(angle);
      y[b] = x[b] * Math.cos(angle) + x[a] * Math.sin(angle);
    }
  }
  return y;
}
