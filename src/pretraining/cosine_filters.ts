/**
 * First filters of the patch embedding: the lowest frequencies of the two-dimensional cosine transform
 * (Ahmed, Natarajan and Rao, "Discrete cosine transform", IEEE Trans. Computers C-23, 1974).
 *
 * Pictures of shapes live in few low frequencies. Random filters scatter these over all outputs, and a
 * tower must first learn to tell them apart again; with these, a patch's outline is there from the
 * first step.
 */

/** Luminance and two differences of colours, orthogonal, with the share of the filters of each. */
const COLOR_AXES: readonly { axis: readonly [number, number, number]; share: number }[] = [
  { axis: [1, 1, 1], share: 0.625 },
  { axis: [1, 0, -1], share: 0.1875 },
  { axis: [-1, 2, -1], share: 0.1875 },
];

/** What a patch's coefficients are multiplied by: they are about as long as a position's sines then. */
export const FILTER_NORM = 1 / 8;

/**
 * Filters of norm {@linkcode FILTER_NORM}, orthogonal to each other.
 *
 * @param width of the tower: how many
 * @param side of a patch, pixels
 * @returns (width, 3, side, side)
 *
 * @example
 * ```ts
 * import { cosineFilters } from "./cosine_filters.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(cosineFilters(96, 15).length, 96 * 3 * 15 * 15);
 * ```
 */
export function cosineFilters(width: number, side: number): Float32Array {
  const frequencies = Array.from(
    { length: side * side },
    (_, i) => [i % side, Math.floor(i / side)],
  )
    .sort(([a, b], [c, d]) => a * a + b * b - c * c - d * d);
  const wave = (frequency: number, at: number) =>
    Math.sqrt((frequency === 0 ? 1 : 2) / side) * Math.cos(Math.PI * frequency * (at + 0.5) / side);
  const values = new Float32Array(width * 3 * side * side);
  let row = 0;
  for (const { axis, share } of COLOR_AXES) {
    const length = Math.hypot(...axis);
    for (const [u, v] of frequencies.slice(0, Math.round(share * width))) {
      for (let channel = 0; channel < 3; channel++) {
        for (let y = 0; y < side; y++) {
          for (let x = 0; x < side; x++) {
            values[((row * 3 + channel) * side + y) * side + x] = FILTER_NORM * axis[channel] /
              length * wave(u, x) * wave(v, y);
          }
        }
      }
      row++;
    }
  }
  return values;
}
