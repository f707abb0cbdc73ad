import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { Image } from "./dataset.ts";
import { decodeImage, resize } from "./image.ts";

function png(width: number, height: number, rgba: number[]): Uint8Array {
  const picture = new PNG({ width, height });
  picture.data = Buffer.from(rgba);
  return PNG.sync.write(picture);
}

Deno.test("a PNG is decoded, its transparency laid over white", () => {
  const bytes = png(2, 2, [
    10,
    20,
    30,
    255,
    10,
    20,
    30,
    0,
    0,
    0,
    0,
    51,
    255,
    0,
    0,
    128,
  ]);
  const image = decodeImage(bytes, "a.png");
  assert.deepEqual([image.width, image.height], [2, 2]);
  assert.deepEqual([...image.data], [
    10,
    20,
    30,
    255,
    255,
    255,
    204,
    204,
    204,
    255,
    127,
    127,
  ]);
});

Deno.test("a PNG that lies within a larger buffer is decoded", () => {
  const bytes = png(1, 1, [1, 2, 3, 255]);
  const larger = new Uint8Array(bytes.length + 9);
  larger.set(bytes, 5);
  assert.deepEqual([
    ...decodeImage(larger.subarray(5, 5 + bytes.length), "a.png").data,
  ], [1, 2, 3]);
});

Deno.test("a JPEG is decoded to about its colour, three bytes a pixel", () => {
  const data = Buffer.alloc(16 * 8 * 4, Uint8Array.of(200, 100, 50, 255));
  const image = decodeImage(
    jpeg.encode({ width: 16, height: 8, data }, 95).data,
    "a.jpg",
  );
  assert.deepEqual([image.width, image.height, image.data.length], [
    16,
    8,
    384,
  ]);
  for (const [i, want] of [200, 100, 50].entries()) {
    assert.ok(Math.abs(image.data[60 + i] - want) < 6);
  }
});

Deno.test("what is no picture, cut off or far too large is refused in one line that names it", () => {
  const whole = png(9, 9, Array(9 * 9 * 4).fill(7));
  const huge = Uint8Array.from(whole);
  new DataView(huge.buffer).setUint32(16, 60000);
  new DataView(huge.buffer).setUint32(20, 60000);
  const cases: [Uint8Array, RegExp][] = [
    [
      new TextEncoder().encode("<html>not found</html>"),
      /^Cannot decode "x.png": it is neither PNG nor JPEG$/,
    ],
    [new Uint8Array(), /^Cannot decode "x.png": it is neither/],
    [
      whole.subarray(0, 12),
      /^Cannot decode "x.png": a damaged or unsupported file \(it ends within its header\)$/,
    ],
    [whole.subarray(0, whole.length - 20), /^Cannot decode "x.png": .+$/],
    [
      huge,
      /\(60000 x 60000 pixels are more than 64 million\)$/,
    ],
    [
      Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0),
      /^Cannot decode "x.png": .+$/,
    ],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => decodeImage(bytes, "x.png"), {
      name: "SyntaxError",
      message,
    });
  }
});

const grey = (width: number, height: number, values: number[]): Image => ({
  width,
  height,
  data: Uint8Array.from(values.flatMap((value) => [value, value, value])),
});
const first = (image: Image) => [...image.data].filter((_, i) => i % 3 === 0);

Deno.test("resizing follows the triangle filter", () => {
  // Halving: weights 1/8 3/8 3/8 1/8, and 3/7 3/7 1/7 at the border.
  assert.deepEqual(first(resize(grey(6, 1, [0, 0, 80, 80, 160, 160]), 3, 1)), [
    11,
    80,
    149,
  ]);
  // Doubling: a quarter and three quarters of the neighbours, the border held.
  assert.deepEqual(first(resize(grey(2, 1, [0, 100]), 4, 1)), [0, 25, 75, 100]);
  assert.deepEqual(first(resize(grey(1, 2, [0, 100]), 1, 4)), [0, 25, 75, 100]);
  assert.deepEqual(
    first(resize(grey(7, 5, Array(35).fill(93)), 3, 11)),
    Array(33).fill(93),
  );
});

Deno.test("resizing to the same size changes nothing, and to no size is refused", () => {
  const image = grey(2, 1, [1, 2]);
  assert.deepEqual(resize(image, 2, 1), image);
  assert.throws(() => resize(image, 0, 4), {
    name: "RangeError",
    message: "Cannot resize to 0 x 4: sides are positive whole numbers",
  });
  assert.throws(() => resize(image, 2.5, 4), RangeError);
});
