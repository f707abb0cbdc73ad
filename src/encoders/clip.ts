/**
 * The vision tower of a CLIP checkpoint (arXiv 2103.00020) in Hugging Face layout, computed by the
 * engine: the state of every token, class token included, behind a layer.
 */
import { basename, join, resolve } from "node:path";
import type { Image } from "../data/dataset.ts";
import { isFile } from "../data/if_there.ts";
import { namingFile } from "../data/naming_file.ts";
import { sha256 } from "../data/sha256.ts";
import type { Engine } from "../gpu/engine.ts";
import { readJson } from "../models/checkpoint/json_file.ts";
import {
  type ClipVisionConfig,
  isClipConfig,
  parseClipVisionConfig,
  visionTokens,
} from "../models/clip_config.ts";
import { type ClipTower, clipTowerKernels, createClipTower } from "../models/clip_tower.ts";
import {
  checkClip,
  type ClipParts,
  clipVisionParts,
  drawClip,
  packClip,
} from "../models/clip_weights.ts";
import { parseSafetensors } from "../models/safetensors.ts";
import { assertSelfTest, selfTest } from "../self_test/self_test.ts";
import {
  defaultPreprocessing,
  parsePreprocessing,
  preprocess,
  type Preprocessing,
} from "./clip_preprocessing.ts";
import type { PictureEncoder } from "./encoder.ts";
import { poolTokens } from "./token_grid.ts";

/** The state before the last layer, which LLaVA (arXiv 2304.08485) and this project's study read. */
const DEFAULT_LAYER = -2;

const WEIGHTS = "model.safetensors";
/** Pictures at a time, and most tokens at a time. */
const MOST_PICTURES = 16;
const MOST_TOKENS = 4096;
/** Raised when the same files give other features. */
const VERSION = 1;

/** Settings of {@linkcode clipEncoder}. */
export interface ClipEncoderOptions {
  /**
   * Index into the tower's hidden states: 0 is what enters the first layer, L what leaves the last,
   * and negative ones count from behind; {@linkcode DEFAULT_LAYER} when absent.
   */
  layer?: number;
  /** Side of the grid that patches are averaged down to; the class token stays. */
  pool?: number;
  /** The same tower with weights drawn from this seed in place of its own: a control. */
  randomSeed?: number;
  /** What it is computed on, asked for when the first picture is encoded. */
  engine?(): Engine;
}

/** Whether a folder holds a CLIP model that {@linkcode clipEncoder} reads. */
export async function isClipFolder(dir: string): Promise<boolean> {
  const weights = await isFile(join(dir, WEIGHTS));
  return weights && isClipConfig(await readJson(join(dir, "config.json")));
}

/**
 * Opens a CLIP checkpoint: `config.json`, `model.safetensors` and, where it is there,
 * `preprocessor_config.json`; else pictures are made square and normalised as CLIP's were. Tokens and
 * width are known at once; weights are checked, but kept only once a picture is encoded.
 *
 * The kernels are checked against float64 values before the first picture.
 *
 * @throws {RangeError} when a tensor is missing or misshaped, or there is no such layer
 * @throws {TypeError} when a field of a configuration is wrong
 * @throws {SyntaxError} when a file is no JSON
 */
export async function clipEncoder(
  dir: string,
  { layer = DEFAULT_LAYER, pool, randomSeed, engine }: ClipEncoderOptions,
): Promise<PictureEncoder & { close(): Promise<void> }> {
  const name = basename(resolve(dir));
  const { config, preprocessing } = await readConfigs(dir);
  const layers = layersUpTo(name, layer, config.num_hidden_layers);
  const parts = clipVisionParts(config, { layers, head: false });
  const drawn = randomSeed !== undefined;
  const digest = drawn ? { randomSeed } : await checkWeights(dir, parts);
  const details = [
    `${name}, hidden state ${layers} of ${config.num_hidden_layers} of its CLIP vision tower (float32)`,
    ...(drawn ? [`random weights of seed ${randomSeed}`] : []),
    ...(pool === undefined ? [] : [`patches averaged to ${pool} x ${pool}`]),
  ];
  const grid = visionTokens(config);
  const { tokens, width } = pooled(config, grid, new Float32Array(), pool);
  const batch = Math.max(1, Math.min(MOST_PICTURES, Math.floor(MOST_TOKENS / grid)));
  let tower: Promise<ClipTower> | undefined;
  let closed = false;

  async function open(): Promise<ClipTower> {
    if (!engine) throw new Error(`Cannot encode pictures with "${name}": no device was opened`);
    const on = engine();
    const checkpoint = drawn
      ? drawClip(parts, randomSeed)
      : parseSafetensors(await Deno.readFile(join(dir, WEIGHTS)));
    const options = { config, weights: packClip(parts, checkpoint), layers, batch };
    assertSelfTest(await selfTest(on, clipTowerKernels(on, options)));
    return createClipTower(on, options);
  }

  return {
    name,
    description: details.join(", "),
    tokens,
    width,
    contentHash: sha256(
      JSON.stringify(["clip", VERSION, digest, config, preprocessing, layers, pool ?? null]),
    ),
    async encode(images: Image[]) {
      if (closed) throw new Error(`Cannot encode pictures with "${name}": it is closed`);
      const { encode } = await (tower ??= open());
      const features = new Float32Array(images.length * tokens * width);
      for (let start = 0; start < images.length; start += batch) {
        const pixels = images.slice(start, start + batch)
          .flatMap((image) => [preprocess(image, preprocessing)]);
        const states = await encode(concatenate(pixels));
        features.set(pooled(config, grid, states, pool).data, start * tokens * width);
      }
      return features;
    },
    async close() {
      closed = true;
      await tower?.then(({ destroy }) => destroy(), () => {});
      tower = undefined;
    },
  };
}

async function readConfigs(
  dir: string,
): Promise<{ config: ClipVisionConfig; preprocessing: Preprocessing }> {
  const json = await readJson(join(dir, "config.json"));
  if (!isClipConfig(json)) {
    throw new TypeError(`Cannot load encoder "${dir}": config.json describes no CLIP model`);
  }
  const config = await namingFile(join(dir, "config.json"), () => parseClipVisionConfig(json));
  const preprocessor = await readJson(join(dir, "preprocessor_config.json"));
  const preprocessing = preprocessor
    ? await namingFile(
      join(dir, "preprocessor_config.json"),
      () => parsePreprocessing(preprocessor, config.image_size),
    )
    : defaultPreprocessing(config.image_size);
  return { config, preprocessing };
}

function layersUpTo(name: string, layer: number, layers: number): number {
  const index = layer < 0 ? layers + 1 + layer : layer;
  if (Number.isSafeInteger(layer) && index >= 0 && index <= layers) return index;
  throw new RangeError(
    `Cannot take layer ${layer} of encoder "${name}": it has hidden states ${
      -layers - 1
    } to ${layers}`,
  );
}

/** Checks that the file holds the tensors; gives its SHA-256. */
async function checkWeights(dir: string, parts: ClipParts): Promise<string> {
  const bytes = await Deno.readFile(join(dir, WEIGHTS));
  await namingFile(join(dir, WEIGHTS), () => checkClip(parts, parseSafetensors(bytes)));
  return sha256(bytes);
}

function pooled(
  { hidden_size: width }: ClipVisionConfig,
  tokens: number,
  data: Float32Array,
  pool: number | undefined,
) {
  const states = { tokens, width, data };
  return pool === undefined ? states : poolTokens(states, pool);
}

function concatenate(parts: Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
