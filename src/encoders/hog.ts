/**
 * A classical encoder: histograms of oriented gradients with mean colours. Nothing is learned, but
 * edges are seen whatever their colour, which raw patches do not offer.
 *
 * A token is a block of 2 x 2 cells. Each cell gives a histogram of its gradients' orientations,
 * weighted by their length, and its mean colour.
 *
 * Source: Dalal and Triggs 2005, "Histograms of Oriented Gradients for Human Detection", section 6:
 * gradients [-1, 0, 1] of the strongest colour channel, 9 unsigned orientations with linear voting,
 * L2-Hys normalisation of a block. Blocks do not overlap here, and votes stay within their cell.
 */
import type { Image } from "../data/dataset.ts";
import { resize } from "../data/image.ts";
import { sha256 } from "../data/sha256.ts";
import type { PictureEncoder } from "./encoder.ts";

/** Settings of {@linkcode hogEncoder}. */
export interface HogOptions {
  /** Pictures are resized to a square of this side, pixels. */
  imageSize: number;
  /** Side of a block, pixels; even, divides `imageSize`. */
  patch: number;
}

const ORIENTATIONS = 9;
const CELLS = 4;
/** Most of a block's histogram after the first normalisation (L2-Hys). */
const CLIP = 0.2;
/** Added under the root of a block's norm, in units of a full-scale gradient: an even block stays zero. */
const EPS = 0.1;
const HISTOGRAM = CELLS * ORIENTATIONS;
const WIDTH = HISTOGRAM + CELLS * 3;

/**
 * The encoder `hog`: (imageSize / patch)^2 tokens, row by row, of width 48: four histograms of nine
 * orientations, then four mean colours less the picture's mean colour, each in [-1, 1].
 *
 * @throws {RangeError} when the sizes do not fit each other
 */
export function hogEncoder({ imageSize, patch }: HogOptions): PictureEncoder {
  if (!Number.isSafeInteger(patch) || patch < 4 || patch % 2 !== 0 || imageSize % patch !== 0) {
    throw new RangeError(
      `Cannot make encoder "hog": patch ${patch} must be even, at least 4, and divide image size ${imageSize}`,
    );
  }
  const side = imageSize / patch;
  const tokens = side * side;
  return {
    name: "hog",
    description:
      `histograms of oriented gradients and mean colours of ${patch} x ${patch} blocks of ` +
      `${imageSize} x ${imageSize} pictures (Dalal and Triggs 2005; nothing learned)`,
    tokens,
    width: WIDTH,
    contentHash: sha256(JSON.stringify(["hog", 1, imageSize, patch])),
    encode(images: Image[]) {
      const features = new Float32Array(images.length * tokens * WIDTH);
      images.forEach((image, index) => {
        const { data } = resize(image, imageSize, imageSize);
        const rows = features.subarray(index * tokens * WIDTH, (index + 1) * tokens * WIDTH);
        addGradients(rows, data, imageSize, patch);
        addColors(rows, data, imageSize, patch);
        for (let token = 0; token < tokens; token++) {
          normalise(rows.subarray(token * WIDTH, token * WIDTH + HISTOGRAM));
        }
      });
      return Promise.resolve(features);
    },
  };
}

/** Calls `visit` for every pixel with its token and its cell in it. */
function eachPixel(
  imageSize: number,
  patch: number,
  visit: (x: number, y: number, token: number, cell: number) => void,
): void {
  const side = imageSize / patch;
  const half = patch / 2;
  for (let y = 0; y < imageSize; y++) {
    for (let x = 0; x < imageSize; x++) {
      const token = Math.floor(y / patch) * side + Math.floor(x / patch);
      const cell = 2 * Math.floor((y % patch) / half) + Math.floor((x % patch) / half);
      visit(x, y, token, cell);
    }
  }
}

/** Votes of every pixel's gradient for the two orientations next to its own. */
function addGradients(rows: Float32Array, data: Uint8Array, size: number, patch: number): void {
  const value = (x: number, y: number, channel: number) => {
    const inside = (at: number) => Math.min(Math.max(at, 0), size - 1);
    return data[(inside(y) * size + inside(x)) * 3 + channel] / 255;
  };
  eachPixel(size, patch, (x, y, token, cell) => {
    let length = 0, dx = 0, dy = 0;
    for (let channel = 0; channel < 3; channel++) {
      const gx = value(x + 1, y, channel) - value(x - 1, y, channel);
      const gy = value(x, y + 1, channel) - value(x, y - 1, channel);
      const norm = Math.hypot(gx, gy);
      if (norm > length) [length, dx, dy] = [norm, gx, gy];
    }
    if (length === 0) return;
    // Unsigned: a gradient and its opposite are one orientation.
    const turn = ((Math.atan2(dy, dx) / Math.PI) % 1 + 1) % 1 * ORIENTATIONS;
    const low = Math.floor(turn) % ORIENTATIONS;
    const share = turn - Math.floor(turn);
    const first = token * WIDTH + cell * ORIENTATIONS;
    rows[first + low] += length * (1 - share);
    rows[first + (low + 1) % ORIENTATIONS] += length * share;
  });
}

/** Mean colour of every cell less the picture's mean colour. */
function addColors(rows: Float32Array, data: Uint8Array, size: number, patch: number): void {
  const mean = [0, 0, 0];
  data.forEach((byte, at) => mean[at % 3] += byte / 127.5 / (size * size));
  const share = 1 / (patch / 2) ** 2;
  eachPixel(size, patch, (x, y, token, cell) => {
    for (let channel = 0; channel < 3; channel++) {
      const color = data[(y * size + x) * 3 + channel] / 127.5 - mean[channel];
      rows[token * WIDTH + HISTOGRAM + cell * 3 + channel] += share * color;
    }
  });
}

/** L2-Hys: to unit length, clipped, and to unit length again. */
function normalise(histogram: Float32Array): void {
  for (const clip of [CLIP, Infinity]) {
    const norm = Math.sqrt(histogram.reduce((sum, value) => sum + value * value, EPS * EPS));
    histogram.forEach((value, at) => histogram[at] = Math.min(value / norm, clip));
  }
}
