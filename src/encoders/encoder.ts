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
  /** Encodes a batch: (images, tokens, width) float32. */
  encode(images: Image[]): Promise<Float32Array>;
  /** Frees what the encoder holds, such as a child process; it cannot encode afterwards. */
  close?(): Promise<void>;
}
