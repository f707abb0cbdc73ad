import assert from "node:assert/strict";
import { plainImage, setPixel } from "../data/image.ts";
import { hogEncoder } from "./hog.ts";

const WIDTH = 48;
const HISTOGRAM = 36;

/** An 8 x 8 picture of one block, painted where `covers` says so. */
function picture(covers: (x: number, y: number) => boolean, color: [number, number, number]) {
  const image = plainImage(8, 8, [255, 255, 255]);
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) if (covers(x, y)) setPixel(image, x, y, color);
  }
  return image;
}

const encode = (image: ReturnType<typeof picture>) =>
  hogEncoder({ imageSize: 8, patch: 8 }).encode([image]);

/** Votes of each orientation over the four cells. */
function orientations(token: Float32Array): number[] {
  return Array.from(
    { length: 9 },
    (_, o) => [0, 1, 2, 3].reduce((sum, cell) => sum + token[cell * 9 + o], 0),
  );
}

Deno.test("an even picture has neither edges nor colour of its own", async () => {
  const token = await encode(picture(() => false, [0, 0, 0]));
  assert.equal(token.length, WIDTH);
  assert.ok(token.every((value) => Math.abs(value) < 1e-6));
});

Deno.test("an upright edge votes for one orientation, a level one for the other", async () => {
  const upright = orientations(await encode(picture((x) => x < 3, [0, 0, 0])));
  assert.ok(upright[0] > 0.1);
  assert.ok(upright.slice(1).every((votes) => Math.abs(votes) < 1e-6));
  // A quarter turn is 4.5 orientations: it votes for the two beside it alike.
  const level = orientations(await encode(picture((_, y) => y < 3, [0, 0, 0])));
  assert.ok(level[4] > 0.1 && Math.abs(level[4] - level[5]) < 1e-6);
  assert.ok([0, 1, 2, 3, 6, 7, 8].every((o) => Math.abs(level[o]) < 1e-6));
});

Deno.test("the edges of a shape are nearly the same in any strong colour, its mean colour is not", async () => {
  const covers = (x: number, y: number) => x + y < 7;
  const red = await encode(picture(covers, [255, 0, 0]));
  const blue = await encode(picture(covers, [0, 0, 255]));
  const difference = (from: number, to: number) =>
    Math.max(...Array.from(red.subarray(from, to), (value, i) => Math.abs(value - blue[from + i])));
  assert.ok(difference(0, HISTOGRAM) < 1e-3);
  assert.ok(difference(HISTOGRAM, WIDTH) > 0.5);
});

Deno.test("blocks are tokens, row by row", async () => {
  const encoder = hogEncoder({ imageSize: 16, patch: 8 });
  assert.deepEqual([encoder.tokens, encoder.width], [4, WIDTH]);
  const image = plainImage(16, 16, [255, 255, 255]);
  setPixel(image, 12, 3, [0, 0, 0]);
  const features = await encoder.encode([image]);
  const strength = [0, 1, 2, 3].map((token) =>
    features.subarray(token * WIDTH, token * WIDTH + HISTOGRAM).reduce(
      (sum, value) => sum + value,
      0,
    )
  );
  assert.ok(strength[1] > 0.1);
  assert.deepEqual([strength[0], strength[2], strength[3]], [0, 0, 0]);
});

Deno.test("sizes that do not fit are refused", () => {
  for (const patch of [3, 5, 10, 0]) {
    assert.throws(() => hogEncoder({ imageSize: 64, patch }), /Cannot make encoder "hog": patch/);
  }
});
