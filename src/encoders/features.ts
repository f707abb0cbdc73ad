/**
 * The frozen encoding of a data set's split, computed once and kept on disk.
 *
 * A cache file is named by what it holds: the content hashes of encoder and data set, and the split. Its header carries
 * a SHA-256 of the numbers, so a damaged file is noticed and made again.
 */
import { Buffer } from "node:buffer";
import { createHash, randomUUID } from "node:crypto";
import { basename, join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { ifThere } from "../data/if_there.ts";
import { sha256 } from "../data/sha256.ts";
import type { Encoder } from "./encoder.ts";

/** The encoding of a split's pictures. */
export interface Features {
  /** Image tokens a picture, T. */
  tokens: number;
  /** Width of a token, d_v. */
  width: number;
  /** (images, tokens, width) float32. */
  data: Float32Array;
  /** Which image of `data` an example has, by the example's id. */
  index: Map<string, number>;
}

/** Settings of {@link encodeExamples}. */
export interface FeatureOptions {
  /** Folder of the cache; made when it is not there. */
  cacheDir: string;
  /** Called after every batch, and once with `done` equal to `total` when the cache has it all. */
  onProgress?(done: number, total: number): void;
}

const BATCH = 16;
/** Raised when the layout of a cache file changes: 4 uint32 (this, images, tokens, width), SHA-256, float32 data. */
const LAYOUT = 1;
const HEADER_BYTES = 4 * 4 + 32;

/**
 * Encodes the pictures of a split, or reads their encoding from the cache.
 *
 * @throws {TypeError} when the encoder gives another number of values than it says, or one that is not finite
 */
export async function encodeExamples(
  encoder: Encoder,
  dataset: Dataset,
  split: "train" | "validation" | "test",
  { cacheDir, onProgress }: FeatureOptions,
): Promise<Features> {
  const examples = dataset[split];
  const { tokens, width } = encoder;
  const index = new Map(examples.map(({ id }, image) => [id, image]));
  const key = sha256(JSON.stringify([LAYOUT, encoder.contentHash, dataset.contentHash, split]));
  const file = join(cacheDir, `${key}.features`);
  const cached = await readCache(file, [examples.length, tokens, width]);
  if (cached !== null) {
    onProgress?.(examples.length, examples.length);
    return { tokens, width, data: cached, index };
  }
  const data = new Float32Array(examples.length * tokens * width);
  for (let start = 0; start < examples.length; start += BATCH) {
    const batch = examples.slice(start, start + BATCH);
    const encoded = await encoder.encode(
      await Promise.all(batch.map((example) => example.image())),
      batch.map(({ id }) => id),
    );
    if (encoded.length !== batch.length * tokens * width) {
      throw new TypeError(
        `Cannot encode pictures: encoder "${encoder.name}" gave ${encoded.length} numbers for ${batch.length} pictures ` +
          `of ${tokens} x ${width}`,
      );
    }
    const wrong = encoded.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) {
      const { id } = batch[Math.floor(wrong / (tokens * width))];
      throw new TypeError(
        `Cannot encode picture "${id}": encoder "${encoder.name}" gave ${encoded[wrong]}`,
      );
    }
    data.set(encoded, start * tokens * width);
    onProgress?.(start + batch.length, examples.length);
    // An encoder in plain code never waits: a turn of the event loop lets Ctrl-C and the screen in.
    await new Promise((resolve) => setTimeout(resolve));
  }
  await Deno.mkdir(cacheDir, { recursive: true });
  await writeCache(file, [examples.length, tokens, width], data);
  return { tokens, width, data, index };
}

/** The numbers of a cache file; null where there is none, or a damaged one, which is said on standard error. */
async function readCache(file: string, sizes: number[]): Promise<Float32Array | null> {
  const bytes = await ifThere(Deno.readFile(file));
  if (bytes === null) return null;
  const body = bytes.subarray(HEADER_BYTES);
  const numbers = sizes.reduce((a, b) => a * b, 1);
  if (
    body.length !== 4 * numbers ||
    header(sizes, body).compare(bytes.subarray(0, HEADER_BYTES)) !== 0
  ) {
    console.error(`Cached features ${basename(file)} are damaged and are made again`);
    return null;
  }
  return new Float32Array(bytes.buffer, HEADER_BYTES, numbers);
}

/** Writes a cache file whole or not at all: under another name first, so that a reader never sees a part of it. */
async function writeCache(file: string, sizes: number[], data: Float32Array): Promise<void> {
  const body = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const part = `${file}.${randomUUID()}.part`;
  try {
    await Deno.writeFile(part, header(sizes, body));
    await Deno.writeFile(part, body, { append: true });
    await Deno.rename(part, file);
  } catch (error) {
    await Deno.remove(part).catch(() => {});
    throw error;
  }
}

function header(sizes: number[], body: Uint8Array): Buffer {
  const numbers = Buffer.from(Uint32Array.of(LAYOUT, ...sizes).buffer);
  return Buffer.concat([numbers, createHash("sha256").update(numbers).update(body).digest()]);
}
