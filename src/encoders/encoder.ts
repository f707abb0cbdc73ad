/**
 * What an image encoder is: it turns pictures into the frozen encoding x that the projector reads.
 */
import type { Image } from "../data/dataset.ts";

/** A frozen image encoder. */
export interface Encoder {
  /** Short name for reports, for example `patches`. */
  name: string;
  /** One line for the report. */
  description: string;
  /** Image tokens a picture, T. */
  tokens: number;
  /** Width of a token, d_v. */
  width: number;
  /** SHA-256 (hex) over everything that determines the features: weights, sizes, preprocessing. */
  contentHash: string;
  /**
   * Encodes a batch: (images, tokens, width) float32.
   *
   * @param ids Of the examples whose pictures these are
   */
  encode(images: Image[], ids: string[]): Promise<Float32Array>;
  /** Frees what the encoder holds, such as a child process; it cannot encode afterwards. */
  close?(): Promise<void>;
}

/** An encoder that looks at nothing but the pictures. */
export interface PictureEncoder extends Encoder {
  /** Encodes a batch: (images, tokens, width) float32. */
  encode(images: Image[]): Promise<Float32Array>;
}

/**
 * Refuses random weights where an encoder has none to draw.
 *
 * @throws {RangeError} when a seed is given
 */
export function refuseRandomWeights(encoder: string, seed: number | undefined): void {
  if (seed === undefined) return;
  throw new RangeError(
    `Cannot draw random weights for encoder "${encoder}": only CLIP checkpoints are drawn anew`,
  );
}

/**
 * Refuses a layer where an encoder has none to choose.
 *
 * @param reason What the encoder has instead
 * @throws {RangeError} when a layer is asked for
 */
export function refuseLayer(encoder: string, layer: number | undefined, reason: string): void {
  if (layer === undefined) return;
  throw new RangeError(`Cannot take layer ${layer} of encoder "${encoder}": ${reason}`);
}
