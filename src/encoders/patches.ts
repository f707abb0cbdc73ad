/**
 * The control encoder: raw patches under a fixed orthonormal projection. It knows nothing but keeps what the picture
 * holds, so it separates what a pre-trained encoder adds from what the decoder learns by itself.
 */
import { createHash } from "node:crypto";
import type { Image } from "../data/dataset.ts";
import { resize } from "../data/image.ts";
import { orthonormalColumns } from "../data/orthonormal.ts";
import { stream } from "../data/random.ts";
import type { PictureEncoder } from "./encoder.ts";

/** Settings of {@link patchesEncoder}. */
export interface PatchesOptions {
  /** Pictures are resized to a square of this side, pixels. */
  imageSize: number;
  /** Side of a patch, pixels; divides `imageSize`. */
  patch: number;
  /** Width of a token, d_v; at most 3 * patch^2, where the projection loses nothing. */
  width: number;
  /** Takes each picture's mean token off its tokens, so that a plain ground becomes zero; false unless given. */
  centre?: boolean;
  /** Seed of the projection; 0 unless given. */
  seed?: number;
}

/**
 * The encoder `patches`: (imageSize / patch)^2 tokens, row by row, each a patch scaled to [-1, 1] times a fixed random
 * matrix with orthonormal columns.
 *
 * @throws {RangeError} when the sizes do not fit each other
 */
export function patchesEncoder(
  { imageSize, patch, width, centre = false, seed = 0 }: PatchesOptions,
): PictureEncoder {
  for (const [name, value] of Object.entries({ imageSize, patch, width })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(
        `Cannot make encoder "patches": ${name} ${value} is not a positive whole number`,
      );
    }
  }
  if (imageSize % patch !== 0) {
    throw new RangeError(
      `Cannot make encoder "patches": patch ${patch} does not divide image size ${imageSize}`,
    );
  }
  const inputs = 3 * patch * patch;
  if (width > inputs) {
    throw new RangeError(
      `Cannot make encoder "patches": width ${width} is more than the ${inputs} values of a patch`,
    );
  }
  const side = imageSize / patch;
  const tokens = side * side;
  const projection = orthonormalColumns(inputs, width, stream(seed, "patches/projection"));
  const settings = JSON.stringify(["patches", imageSize, patch, width, centre, seed]);
  return {
    name: "patches",
    description: `raw ${patch} x ${patch} patches of ${imageSize} x ${imageSize} pictures, ` +
      `fixed random orthonormal projection from ${inputs} to ${width} (nothing learned)` +
      (centre ? ", each picture's mean token taken off" : ""),
    tokens,
    width,
    contentHash: createHash("sha256").update(settings).update(
      Float32Array.from(projection),
    ).digest("hex"),
    encode(images: Image[]) {
      const features = new Float32Array(images.length * tokens * width);
      images.forEach((image, index) => {
        const { data } = resize(image, imageSize, imageSize);
        for (let token = 0; token < tokens; token++) {
          const corner = (Math.floor(token / side) * imageSize + token % side) *
            patch * 3;
          features.set(project(data, corner), (index * tokens + token) * width);
        }
        if (centre) {
          takeOffMean(
            features.subarray(index * tokens * width, (index + 1) * tokens * width),
            width,
          );
        }
      });
      return Promise.resolve(features);
    },
  };

  /** The token of the patch whose upper left byte is `corner`; sums in float64. */
  function project(data: Uint8Array, corner: number): Float64Array {
    const sums = new Float64Array(width);
    const row = patch * 3;
    for (let input = 0; input < inputs; input++) {
      const value = data[corner + Math.floor(input / row) * imageSize * 3 + input % row] /
          127.5 - 1;
      for (let output = 0, at = input * width; output < width; output++) {
        sums[output] += value * projection[at++];
      }
    }
    return sums;
  }
}

/** Subtracts the mean row from every row of (rows, width). */
function takeOffMean(rows: Float32Array, width: number): void {
  const count = rows.length / width;
  const mean = new Float64Array(width);
  rows.forEach((value, at) => mean[at % width] += value / count);
  rows.forEach((value, at) => rows[at] = value - mean[at % width]);
}
