/**
 * What happens to a picture before a CLIP tower reads it, as `preprocessor_config.json` says: the
 * steps of Hugging Face's CLIPImageProcessor.
 */
import { z } from "zod";
import type { Image } from "../data/dataset.ts";
import { MAX_PIXELS } from "../data/image.ts";
import { quoted } from "../data/one_line.ts";
import { resample, type Resampling } from "../data/resample.ts";

/** From a picture to normalised pixels. */
export interface Preprocessing {
  /** Target size, or that of the shorter side with the aspect ratio kept; null for no resizing. */
  resize: { width: number; height: number } | { shortestEdge: number } | null;
  resampling: Resampling;
  /** Size that is cut out of the middle; null for no cutting. */
  crop: { width: number; height: number } | null;
  /** A byte is multiplied by `scale`, then the channel's mean is taken off and divided by its std. */
  scale: number;
  mean: readonly number[];
  std: readonly number[];
}

/** Mean and standard deviation of CLIP's training pictures, as published in its code. */
export const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
/** See {@linkcode CLIP_MEAN}. */
export const CLIP_STD = [0.26862954, 0.26130258, 0.27577711] as const;

/** Sides of pictures: far more than any tower reads, and no more than a picture may have. */
const side = z.number().int().min(1).max(2 ** 13);
const sizes = z.union([
  side.transform((size) => ({ height: size, width: size })),
  z.object({ height: side, width: side }),
]);
const channels = z.array(z.number()).length(3);

/** Pillow's numbers of its filters. */
const RESAMPLING: Record<number, Resampling> = { 2: "bilinear", 3: "bicubic" };

const schema = z.object({
  do_resize: z.boolean().default(true),
  size: z.union([
    side.transform((shortest_edge) => ({ shortest_edge })),
    z.object({ shortest_edge: side }),
    z.object({ height: side, width: side }),
  ]).default({ shortest_edge: 224 }),
  resample: z.literal([2, 3]).default(3),
  do_center_crop: z.boolean().default(true),
  crop_size: sizes.default({ height: 224, width: 224 }),
  do_rescale: z.boolean().default(true),
  rescale_factor: z.number().positive().default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: channels.default([...CLIP_MEAN]),
  image_std: channels.default([...CLIP_STD]),
});

/** Without a file: the whole picture made a square of this side. */
export function defaultPreprocessing(imageSize: number): Preprocessing {
  return {
    resize: { width: imageSize, height: imageSize },
    resampling: "bicubic",
    crop: null,
    scale: 1 / 255,
    mean: CLIP_MEAN,
    std: CLIP_STD,
  };
}

/**
 * Reads a parsed `preprocessor_config.json`. What it leaves out is as in CLIPImageProcessor.
 *
 * @param imageSize Side of the pictures that the tower reads.
 * @throws {TypeError} If a field is wrong, naming it.
 * @throws {RangeError} If pictures do not come out at the tower's size.
 */
export function parsePreprocessing(json: unknown, imageSize: number): Preprocessing {
  const result = schema.safeParse(json, { reportInput: true });
  if (!result.success) {
    const [{ path, message, input }] = result.error.issues;
    throw new TypeError(
      `Cannot read preprocessor_config.json: "${path.join(".")}" is ${quoted(input)}: ${message}`,
    );
  }
  const given = result.data;
  const { size } = given;
  const resize = !given.do_resize
    ? null
    : "shortest_edge" in size
    ? { shortestEdge: size.shortest_edge }
    : size;
  const crop = given.do_center_crop ? given.crop_size : null;
  const last = crop ?? resize;
  if (!last || "shortestEdge" in last) {
    throw new RangeError(
      "Cannot use preprocessor_config.json: it neither cuts pictures nor gives them a size",
    );
  }
  if (last.width !== imageSize || last.height !== imageSize) {
    throw new RangeError(
      `Cannot use preprocessor_config.json: it makes pictures of ${last.width} x ${last.height}, the tower reads ${imageSize} x ${imageSize}`,
    );
  }
  return {
    resize,
    resampling: RESAMPLING[given.resample],
    crop,
    scale: given.do_rescale ? given.rescale_factor : 1,
    mean: given.do_normalize ? given.image_mean : [0, 0, 0],
    std: given.do_normalize ? given.image_std : [1, 1, 1],
  };
}

/**
 * Normalised pixels of a picture: (3, height, width).
 *
 * @throws {RangeError} If a picture is smaller than what is cut out of it, or so narrow that it would
 * become far too long.
 */
export function preprocess(image: Image, preprocessing: Preprocessing): Float32Array {
  const { scale, mean, std } = preprocessing;
  const { width, height, data } = cropped(resized(image, preprocessing), preprocessing);
  const plane = width * height;
  const pixels = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    for (let at = 0; at < plane; at++) {
      pixels[channel * plane + at] = (data[3 * at + channel] * scale - mean[channel]) /
        std[channel];
    }
  }
  return pixels;
}

function resized(image: Image, { resize, resampling }: Preprocessing): Image {
  if (!resize) return image;
  if (!("shortestEdge" in resize)) {
    return resample(image, resize.width, resize.height, resampling);
  }
  // The longer side is cut down to whole pixels.
  const shorter = Math.min(image.width, image.height);
  const [width, height] = [image.width, image.height].map((side) =>
    Math.trunc(resize.shortestEdge * side / shorter)
  );
  if (width * height > MAX_PIXELS) {
    throw new RangeError(
      `Cannot make a picture of ${image.width} x ${image.height} pixels ${width} x ${height}: it would have more than ${
        MAX_PIXELS / 1e6
      } million`,
    );
  }
  return resample(image, width, height, resampling);
}

function cropped(image: Image, { crop }: Preprocessing): Image {
  if (!crop) return image;
  const { width, height } = crop;
  const left = Math.floor((image.width - width) / 2);
  const top = Math.floor((image.height - height) / 2);
  if (left < 0 || top < 0) {
    throw new RangeError(
      `Cannot cut ${width} x ${height} pixels out of a picture of ${image.width} x ${image.height}`,
    );
  }
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * image.width + left);
    data.set(image.data.subarray(from, from + 3 * width), 3 * y * width);
  }
  return { width, height, data };
}
