/**
 * Encoders by name.
 */
import type { Engine } from "../gpu/program.ts";
import { EMBEDDED, EMBEDDED_TOWER } from "../models/embedded.ts";
import { clipEncoder, isClipFolder } from "./clip.ts";
import { type Encoder, refuseLayer, refuseRandomWeights } from "./encoder.ts";
import { hogEncoder } from "./hog.ts";
import { patchesEncoder } from "./patches.ts";
import { FEATURES, precomputedEncoder } from "./precomputed.ts";
import { transformersEncoder } from "./transformers_js.ts";

/** What a study or the command line may ask of an encoder; each heeds what concerns it. */
export interface EncoderOptions {
  /** `patches` and `hog`: side that pictures are resized to, pixels; 64 when absent. */
  imageSize?: number;
  /** `patches` and `hog`: side of a patch, pixels; 16 when absent. */
  patch?: number;
  /** `patches`: width of a token; 192 when absent, less where a patch has less. */
  width?: number;
  /** `patches`: whether each picture's mean token is taken off; not when absent. */
  centre?: boolean;
  /** CLIP towers and models of transformers.js: side of the grid that image tokens are averaged down to. */
  pool?: number;
  /** CLIP towers: which hidden state; -2 when absent. Others have none to choose and refuse it. */
  layer?: number;
  /** CLIP towers: weights are drawn from this seed in place of their own. Others refuse it. */
  randomSeed?: number;
  /** What CLIP towers are computed on, asked for when the first picture is encoded. */
  engine?(): Engine;
  /** Folder in which downloaded models are kept. */
  cacheDir: string;
}

/** Owner and model, as the hub names them. */
const HUB_NAME = /^\w[\w.-]*\/\w[\w.-]*$/;

/**
 * Loads an encoder: `embedded`, `patches`, `hog`, a CLIP checkpoint in a local folder, an image model of transformers.js in a local
 * folder or of the Hugging Face hub, or `features:DIR` for features computed elsewhere.
 *
 * @throws {RangeError} when the name is none of these, in which case the message lists what is accepted, or a layer or
 * random weights are asked of an encoder that has none
 */
export async function loadEncoder(nameOrDir: string, options: EncoderOptions): Promise<Encoder> {
  const { imageSize = 64, patch = 16, width = Math.min(192, 3 * patch ** 2), centre } = options;
  const refuse = (reason: string) => {
    refuseLayer(nameOrDir, options.layer, reason);
    refuseRandomWeights(nameOrDir, options.randomSeed);
  };
  if (nameOrDir === EMBEDDED) {
    return { ...await clipEncoder(EMBEDDED_TOWER, options), name: EMBEDDED };
  }
  if (nameOrDir === "patches") {
    refuse("it has no layers");
    return patchesEncoder({ imageSize, patch, width, centre });
  }
  if (nameOrDir === "hog") {
    refuse("it has no layers");
    return hogEncoder({ imageSize, patch });
  }
  if (nameOrDir.startsWith(FEATURES)) {
    refuse("its features are as they are");
    return await precomputedEncoder(nameOrDir.slice(FEATURES.length));
  }
  const isFolder = await Deno.stat(nameOrDir).then((info) => info.isDirectory, () => false);
  if (isFolder && !await Deno.stat(`${nameOrDir}/config.json`).then(() => true, () => false)) {
    throw new RangeError(`Cannot load encoder "${nameOrDir}": the folder has no "config.json"`);
  }
  if (isFolder && await isClipFolder(nameOrDir)) return await clipEncoder(nameOrDir, options);
  if (!isFolder && !HUB_NAME.test(nameOrDir)) {
    throw new RangeError(
      `Unknown encoder "${nameOrDir}"; there are embedded, patches, hog, a folder with a CLIP checkpoint or an image model of ` +
        `transformers.js, features:DIR, or the hub name of a model, such as Xenova/clip-vit-base-patch32`,
    );
  }
  refuse("a model of transformers.js gives its last layer only");
  return await transformersEncoder(nameOrDir, options);
}
