import assert from "node:assert/strict";
import type { Image } from "../data/dataset.ts";
import {
  CLIP_MEAN,
  CLIP_STD,
  defaultPreprocessing,
  parsePreprocessing,
  preprocess,
} from "./clip_preprocessing.ts";

/** Every pixel says where it is: red its column, green its row, blue 7. */
function places(width: number, height: number): Image {
  const data = Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => [Math.floor(i / 3) % width, Math.floor(i / 3 / width), 7][i % 3],
  );
  return { width, height, data };
}

/** The file of openai/clip-vit-base-patch32, but for its sizes. */
const PUBLISHED = {
  crop_size: 4,
  do_center_crop: true,
  do_normalize: true,
  do_resize: true,
  feature_extractor_type: "CLIPFeatureExtractor",
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  resample: 3,
  size: 4,
};

Deno.test("the published file is understood", () => {
  assert.deepEqual(parsePreprocessing(PUBLISHED, 4), {
    resize: { shortestEdge: 4 },
    resampling: "bicubic",
    crop: { width: 4, height: 4 },
    scale: 1 / 255,
    mean: [...CLIP_MEAN],
    std: [...CLIP_STD],
  });
  assert.deepEqual(
    parsePreprocessing({ ...PUBLISHED, size: { shortest_edge: 4 } }, 4),
    parsePreprocessing(PUBLISHED, 4),
  );
});

Deno.test("a picture is cut out of its middle and normalised channel by channel", () => {
  const preprocessing = parsePreprocessing(PUBLISHED, 4);
  // The shorter side is as wanted already, so only two columns at the left and three at the right go.
  const pixels = preprocess(places(9, 4), preprocessing);
  assert.equal(pixels.length, 3 * 4 * 4);
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < 4; x++) {
      [x + 2, y, 7].forEach((byte, channel) => {
        const wanted = Math.fround((byte / 255 - CLIP_MEAN[channel]) / CLIP_STD[channel]);
        const got = pixels[(channel * 4 + y) * 4 + x];
        assert.ok(Math.abs(got - wanted) < 1e-6, `${channel} ${y} ${x}: ${got}, ${wanted}`);
      });
    }
  }
});

Deno.test("the longer side is cut down to whole pixels before the middle is taken", () => {
  const { mean: _mean, std: _std, ...rest } = parsePreprocessing(PUBLISHED, 4);
  const plain = { ...rest, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] };
  // 11 x 8 -> 5 x 4 (5.5 cut down), of which the first 4 columns are the middle.
  const pixels = preprocess(places(11, 8), plain);
  const row = [...pixels.subarray(0, 4)];
  assert.ok(row.every((red, x) => Math.abs(red - (2.2 * x + 0.6)) < 1), `${row}`);
});

Deno.test("without a file the whole picture becomes a square", () => {
  const pixels = preprocess(places(6, 2), defaultPreprocessing(2));
  assert.equal(pixels.length, 3 * 2 * 2);
  const red = [...pixels.subarray(0, 4)].map((v) => (v * CLIP_STD[0] + CLIP_MEAN[0]) * 255);
  red.forEach((value, i) => assert.ok(Math.abs(value - [1, 4][i % 2]) < 0.6, `${red}`));
});

Deno.test("steps that are switched off are left out", () => {
  const json = {
    do_center_crop: false,
    do_rescale: false,
    do_normalize: false,
    size: { height: 2, width: 2 },
    resample: 2,
  };
  const preprocessing = parsePreprocessing(json, 2);
  assert.deepEqual(preprocessing, {
    resize: { width: 2, height: 2 },
    resampling: "bilinear",
    crop: null,
    scale: 1,
    mean: [0, 0, 0],
    std: [1, 1, 1],
  });
  assert.deepEqual([...preprocess(places(2, 2), preprocessing)], [
    ...[0, 1, 0, 1],
    ...[0, 0, 1, 1],
    ...[7, 7, 7, 7],
  ]);
});

Deno.test("what cannot be followed is refused", () => {
  const refused = (change: object, message: RegExp) =>
    assert.throws(() => parsePreprocessing({ ...PUBLISHED, ...change }, 4), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  refused({ resample: 1 }, /"resample" is 1: /);
  refused({ image_std: [1, 1] }, /"image_std" is \[1,1\]: /);
  refused({ size: "large" }, /"size" is "large": /);
  refused({ crop_size: 5 }, /pictures of 5 x 5, the tower reads 4 x 4$/);
  refused({ do_center_crop: false }, /neither cuts pictures nor gives them a size$/);
  assert.throws(
    () => preprocess(places(3, 9), { ...parsePreprocessing(PUBLISHED, 4), resize: null }),
    {
      name: "RangeError",
      message: "Cannot cut 4 x 4 pixels out of a picture of 3 x 9",
    },
  );
});
