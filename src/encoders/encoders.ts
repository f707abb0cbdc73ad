/**
 * Encoders by name. A new one is a file beside this, a name in `encoder_names.ts` and a line in
 * {@linkcode OWN}.
 */
import { isFolder, isThere } from "../data/if_there.ts";
import type { Engine } from "../gpu/engine.ts";
import { isHubId } from "../models/checkpoint/hub.ts";
import { EMBEDDED, EMBEDDED_TOWER } from "../models/embedded.ts";
import { clipEncoder, isClipFolder } from "./clip.ts";
import { type Encoder, refuseLayer, refuseRandomWeights } from "./encoder.ts";
import { ENCODERS_IN_WORDS, FEATURES, isOwnEncoder, type OwnEncoder } from "./encoder_names.ts";
import { hogEncoder } from "./hog.ts";
import { patchesEncoder } from "./patches.ts";
import { precomputedEncoder } from "./precomputed.ts";
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

/** The encoders that the project brings. */
const OWN: Record<OwnEncoder, (options: EncoderOptions) => Encoder | Promise<Encoder>> = {
  embedded: async (options) => ({
    ...await clipEncoder(EMBEDDED_TOWER, options),
    name: EMBEDDED,
  }),
  patches: (options) => {
    refuse("patches", options, "it has no layers");
    const { imageSize = 64, patch = 16, width = Math.min(192, 3 * patch ** 2), centre } = options;
    return patchesEncoder({ imageSize, patch, width, centre });
  },
  hog: (options) => {
    refuse("hog", options, "it has no layers");
    const { imageSize = 64, patch = 16 } = options;
    return hogEncoder({ imageSize, patch });
  },
};

/**
 * Loads an encoder: one that the project brings, a CLIP checkpoint in a local folder, an image model of
 * transformers.js in a local folder or of the Hugging Face hub, or `features:DIR` for features
 * computed elsewhere.
 *
 * @throws {RangeError} when the name is none of these, in which case the message lists what is accepted, or a layer or
 * random weights are asked of an encoder that has none
 */
export async function loadEncoder(nameOrDir: string, options: EncoderOptions): Promise<Encoder> {
  if (isOwnEncoder(nameOrDir)) return await OWN[nameOrDir](options);
  if (nameOrDir.startsWith(FEATURES)) {
    refuse(nameOrDir, options, "its features are as they are");
    return await precomputedEncoder(nameOrDir.slice(FEATURES.length));
  }
  const isLocal = await isFolder(nameOrDir);
  if (isLocal && !await isThere(`${nameOrDir}/config.json`)) {
    throw new RangeError(`Cannot load encoder "${nameOrDir}": the folder has no "config.json"`);
  }
  if (isLocal && await isClipFolder(nameOrDir)) return await clipEncoder(nameOrDir, options);
  if (!isLocal && !isHubId(nameOrDir)) {
    throw new RangeError(`Unknown encoder "${nameOrDir}"; there are ${ENCODERS_IN_WORDS}`);
  }
  refuse(nameOrDir, options, "a model of transformers.js gives its last layer only");
  return await transformersEncoder(nameOrDir, options);
}

/** Refuses what an encoder does not have. */
function refuse(name: string, { layer, randomSeed }: EncoderOptions, reason: string): void {
  refuseLayer(name, layer, reason);
  refuseRandomWeights(name, randomSeed);
}
