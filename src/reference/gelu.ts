/** GELU, exact and in its two approximations: Hendrycks and Gimpel, arXiv 1606.08415. */
import { erfc } from "./erf.ts";
import type { Values } from "./values.ts";

/** y = x/2 (1 + erf(x / sqrt 2)). */
export function gelu(x: Values): Float64Array {
  return Float64Array.from(x, (v) => v * normalDistribution(v));
}

/** Gradient of {@linkcode gelu}. */
export function geluBackward(x: Values, gradY: Values): Float64Array {
  return Float64Array.from(x, (v, i) => {
    const density = Math.exp(-v * v / 2) / Math.sqrt(2 * Math.PI);
    return gradY[i] * (normalDistribution(v) + v * density);
  });
}

/** y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
export function geluTanh(x: Values): Float64Array {
  return Float64Array.from(x, (v) => v / 2 * (1 + Math.tanh(inner(v))));
}

/** Gradient of {@linkcode geluTanh}. */
export function geluTanhBackward(x: Values, gradY: Values): Float64Array {
  return Float64Array.from(x, (v, i) => {
    const tanh = Math.tanh(inner(v));
    const slope = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * v * v);
    return gradY[i] * ((1 + tanh) / 2 + v / 2 * (1 - tanh * tanh) * slope);
  });
}

/** y = x sigmoid(1.702 x). */
export function geluQuick(x: Values): Float64Array {
  return Float64Array.from(x, (v) => v * sigmoid(1.702 * v));
}

/** Gradient of {@linkcode geluQuick}. */
export function geluQuickBackward(x: Values, gradY: Values): Float64Array {
  return Float64Array.from(x, (v, i) => {
    const s = sigmoid(1.702 * v);
    return gradY[i] * (s + 1.702 * v * s * (1 - s));
  });
}

/** The forms by name. */
export const GELU = {
  exact: { forward: gelu, backward: geluBackward },
  tanh: { forward: geluTanh, backward: geluTanhBackward },
  quick: { forward: geluQuick, backward: geluQuickBackward },
};

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

const inner = (v: number) => Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3);

/** (1 + erf(v / sqrt 2)) / 2, by erfc so that the lower tail keeps its digits. */
const normalDistribution = (v: number) => erfc(-v / Math.SQRT2) / 2;
