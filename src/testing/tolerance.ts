/** Compares computed numbers with reference values. */

/** How far a value may be off: `atol + rtol * max|reference|`. */
export interface Tolerance {
  rtol: number;
  atol: number;
}

/** What two float64 computations of the same thing may differ by. */
export const FLOAT64: Tolerance = { rtol: 1e-9, atol: 1e-11 };

/**
 * Asserts `|got - reference| <= atol + rtol * max|reference|` for every element, with the maximum
 * over the whole tensor: an element near zero is judged by the size of the tensor it belongs to.
 *
 * @throws {Error} naming `label` and the worst element; NaN and infinity never pass
 */
export function assertClose(
  got: ArrayLike<number>,
  reference: ArrayLike<number>,
  { rtol, atol }: Tolerance,
  label: string,
): void {
  if (got.length !== reference.length) {
    throw new Error(
      `${label} has ${got.length} elements, its reference ${reference.length}`,
    );
  }
  let scale = 0;
  for (let i = 0; i < reference.length; i++) {
    if (!Number.isFinite(got[i]) || !Number.isFinite(reference[i])) {
      throw new Error(
        `${label}[${i}] is ${got[i]}, its reference ${reference[i]}`,
      );
    }
    scale = Math.max(scale, Math.abs(reference[i]));
  }
  const allowed = atol + rtol * scale;
  let worst = -1;
  let largest = allowed;
  for (let i = 0; i < reference.length; i++) {
    const error = Math.abs(got[i] - reference[i]);
    if (error > largest) {
      largest = error;
      worst = i;
    }
  }
  if (worst >= 0) {
    throw new Error(
      `${label}[${worst}] is ${got[worst]}, its reference ${reference[worst]}: off by ${
        largest.toExponential(2)
      }, allowed ${
        allowed.toExponential(2)
      } (rtol ${rtol}, atol ${atol}, largest reference ${scale})`,
    );
  }
}
