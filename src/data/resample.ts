/**
 * Resizing to the bit as Pillow does it, which the image processors of Hugging Face call: separable
 * convolution with an anti-aliasing filter, weights of 22 bits behind the point, the picture rounded to
 * bytes between the two passes (Pillow, `src/libImaging/Resample.c`).
 */
import type { Image } from "./dataset.ts";

/** A filter: zero from `support` on. */
interface Filter {
  support: number;
  /** Its value at a distance. */
  at(distance: number): number;
}

/** How pictures are resized, by Pillow's names. */
export type Resampling = keyof typeof FILTERS;

const FILTERS = {
  bilinear: { support: 1, at: (x: number) => 1 - x },
  // Keys, IEEE Transactions on Acoustics, Speech, and Signal Processing 29(6), 1981, with a = -1/2.
  bicubic: {
    support: 2,
    at: (x: number) => x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2,
  },
} satisfies Record<string, Filter>;

const WEIGHT_ONE = 2 ** 22;

/**
 * Resizes a picture; the aspect ratio is not kept. When shrinking, the filter is as much wider.
 *
 * @throws {RangeError} when a side is not a positive whole number
 */
export function resample(
  image: Image,
  width: number,
  height: number,
  filter: Resampling,
): Image {
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1) {
      throw new RangeError(
        `Cannot resize to ${width} x ${height}: sides are positive whole numbers`,
      );
    }
  }
  const narrow = width === image.width ? image : resampleRows(image, width, FILTERS[filter]);
  return height === narrow.height ? narrow : resampleColumns(narrow, height, FILTERS[filter]);
}

function resampleRows(
  { width: source, height, data }: Image,
  width: number,
  filter: Filter,
): Image {
  const result = new Uint8Array(3 * width * height);
  const taps = tapsOf(source, width, filter);
  for (let y = 0; y < height; y++) {
    for (let channel = 0; channel < 3; channel++) {
      const from = 3 * y * source + channel;
      convolve(data.subarray(from), result.subarray(3 * y * width + channel), taps, 3);
    }
  }
  return { width, height, data: result };
}

function resampleColumns(
  { width, height: source, data }: Image,
  height: number,
  filter: Filter,
): Image {
  const result = new Uint8Array(3 * width * height);
  const taps = tapsOf(source, height, filter);
  for (let x = 0; x < 3 * width; x++) {
    convolve(data.subarray(x), result.subarray(x), taps, 3 * width);
  }
  return { width, height, data: result };
}

/** The weights of one target pixel, for the source pixels from `start` on. */
interface Taps {
  start: number;
  weights: Int32Array;
}

function tapsOf(source: number, target: number, { support, at }: Filter): Taps[] {
  const ratio = source / target;
  const stretch = Math.max(1, ratio);
  const reach = support * stretch;
  return Array.from({ length: target }, (_, i) => {
    const centre = (i + 0.5) * ratio;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(source, Math.trunc(centre + reach + 0.5));
    const values = Array.from({ length: end - start }, (_, j) => {
      const distance = Math.abs((start + j - centre + 0.5) * (1 / stretch));
      return distance < support ? at(distance) : 0;
    });
    const sum = values.reduce((a, b) => a + b, 0);
    // Halves are rounded away from zero.
    const weights = values.map((value) => {
      const scaled = value / sum * WEIGHT_ONE;
      return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    });
    return { start, weights: Int32Array.from(weights) };
  });
}

/** One line of bytes, `step` apart, into another. */
function convolve(from: Uint8Array, to: Uint8Array, taps: Taps[], step: number): void {
  taps.forEach(({ start, weights }, target) => {
    let sum = WEIGHT_ONE / 2;
    for (let i = 0; i < weights.length; i++) sum += weights[i] * from[(start + i) * step];
    to[target * step] = Math.min(255, Math.max(0, Math.floor(sum / WEIGHT_ONE)));
  });
}
