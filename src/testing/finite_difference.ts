/** Checks gradients by central differences. */
import { assertClose, type Tolerance } from "./tolerance.ts";

/** A scalar function of one tensor. */
export type Scalar = (x: Float64Array) => number;

/** How {@linkcode assertGradient} probes. */
export interface GradientCheck extends Tolerance {
  /** Entries compared, spread over the tensor; all where it has no more. Default 7. */
  entries?: number;
  /** Distance between the points of the difference. Default 1e-3. */
  step?: number;
}

/**
 * The derivative of `f` by entry `index` at `x`, from fourth-order central differences:
 * (f(x - 2h) - 8 f(x - h) + 8 f(x + h) - f(x + 2h)) / 12h. The error is of the order of h^4 for a
 * smooth function, beside its rounding error over h.
 */
export function finiteDifference(
  f: Scalar,
  x: Float64Array,
  index: number,
  step = 1e-3,
): number {
  const at = (steps: number) => {
    const moved = x.slice();
    moved[index] += steps * step;
    return f(moved);
  };
  return (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * step);
}

/**
 * Asserts that `gradient` is the gradient of `f` at `x`, on several entries. The tolerance is
 * relative to the largest entry of the whole gradient, as in `assertClose`.
 *
 * @throws {Error} naming `label` and the entry
 */
export function assertGradient(
  f: Scalar,
  x: ArrayLike<number>,
  gradient: ArrayLike<number>,
  { entries = 7, step, rtol, atol }: GradientCheck,
  label: string,
): void {
  const at = Float64Array.from(x);
  if (gradient.length !== at.length) {
    throw new Error(
      `${label} has ${gradient.length} entries, its variable ${at.length}`,
    );
  }
  let scale = 0;
  for (let i = 0; i < gradient.length; i++) {
    scale = Math.max(scale, Math.abs(gradient[i]));
  }
  for (const index of spread(at.length, entries)) {
    const difference = finiteDifference(f, at, index, step);
    const tolerance = { rtol: 0, atol: atol + rtol * scale };
    assertClose(
      [gradient[index]],
      [difference],
      tolerance,
      `${label} at entry ${index}`,
    );
  }
}

/** Up to `count` indices below `length`, evenly spread, with the first and the last. */
function spread(length: number, count: number): number[] {
  if (length <= count) return Array.from({ length }, (_, index) => index);
  return Array.from(
    { length: count },
    (_, i) => Math.round(i * (length - 1) / (count - 1)),
  );
}
