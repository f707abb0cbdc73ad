/** SiLU and the gated unit made of it: Shazeer, arXiv 2002.05202. */
import type { Values } from "./values.ts";

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

/** y = x sigmoid(x). */
export function silu(x: Values): Float64Array {
  return Float64Array.from(x, (v) => v * sigmoid(v));
}

/** Gradient of {@linkcode silu}. */
export function siluBackward(x: Values, gradY: Values): Float64Array {
  return Float64Array.from(x, (v, i) => {
    const s = sigmoid(v);
    return gradY[i] * (s + v * s * (1 - s));
  });
}

/** y = silu(gate) up. */
export function swiglu(gate: Values, up: Values): Float64Array {
  return silu(gate).map((value, i) => value * up[i]);
}

/** Gradients of {@linkcode swiglu}. */
export function swigluBackward(
  gate: Values,
  up: Values,
  gradY: Values,
): { gradGate: Float64Array; gradUp: Float64Array } {
  const gradSilu = Float64Array.from(gradY, (g, i) => g * up[i]);
  return {
    gradGate: siluBackward(gate, gradSilu),
    gradUp: silu(gate).map((value, i) => value * gradY[i]),
  };
}
