/**
 * Encoders by name.
 */
import type { Encoder } from "./encoder.ts";
import { hogEncoder } from "./hog.ts";
import { patchesEncoder } from "./patches.ts";
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
  /** Models of transformers.js: side of the grid that image tokens are averaged down to. */
  pool?: number;
  /** Folder in which downloaded models are kept. */
  cacheDir: string;
}

/** Owner and model, as the hub names them. */
const HUB_NAME = /^\w[\w.-]*\/\w[\w.-]*$/;

/**
 * Loads an encoder: `patches`, `hog`, an image model of transformers.js in a local folder, or one of the Hugging Face hub.
 *
 * @throws {RangeError} when the name is none of these; the message lists what is accepted
 */
export async function loadEncoder(nameOrDir: string, options: EncoderOptions): Promise<Encoder> {
  const { imageSize = 64, patch = 16, width = Math.min(192, 3 * patch ** 2), centre } = options;
  if (nameOrDir === "patches") return patchesEncoder({ imageSize, patch, width, centre });
  if (nameOrDir === "hog") return hogEncoder({ imageSize, patch });
  const isFolder = await Deno.stat(nameOrDir).then((info) => info.isDirectory, () => false);
  if (isFolder && !await Deno.stat(`${nameOrDir}/config.json`).then(() => true, () => false)) {
    throw new RangeError(`Cannot load encoder "${nameOrDir}": the folder has no "config.json"`);
  }
  if (!isFolder && !HUB_NAME.test(nameOrDir)) {
    throw new RangeError(
      `Unknown encoder "${nameOrDir}"; there are patches, hog, a folder with an image model of transformers.js, ` +
        `or the hub name of one, such as Xenova/clip-vit-base-patch32`,
    );
  }
  return await transformersEncoder(nameOrDir, options);
}
