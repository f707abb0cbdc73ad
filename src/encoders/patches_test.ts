import assert from "node:assert/strict";
import type { Image } from "../data/dataset.ts";
import { orthonormalColumns } from "../data/orthonormal.ts";
import { stream } from "../data/random.ts";
import { patchesEncoder } from "./patches.ts";

function noise(width: number, height: number, seed: number): Image {
  const { int } = stream(seed, "noise");
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, () => int(256)),
  };
}

Deno.test("tokens are the projected patches, row by row", async () => {
  const [imageSize, patch, width] = [12, 4, 20];
  const encoder = patchesEncoder({ imageSize, patch, width, seed: 5 });
  assert.deepEqual([encoder.tokens, encoder.width], [9, 20]);
  const images = [noise(12, 12, 1), noise(12, 12, 2)];
  const features = await encoder.encode(images);
  assert.equal(features.length, 2 * 9 * 20);
  const matrix = orthonormalColumns(48, width, stream(5, "patches/projection"));
  for (
    const [image, token, output] of [[0, 0, 0], [0, 5, 7], [1, 8, 19], [
      1,
      2,
      3,
    ]]
  ) {
    let want = 0, input = 0;
    for (let y = 0; y < patch; y++) {
      for (let x = 0; x < patch; x++) {
        for (let channel = 0; channel < 3; channel++, input++) {
          const px = (token % 3) * patch + x,
            py = Math.floor(token / 3) * patch + y;
          want += (images[image].data[(py * imageSize + px) * 3 + channel] / 127.5 -
            1) * matrix[input * width + output];
        }
      }
    }
    assert.ok(
      Math.abs(features[(image * 9 + token) * width + output] - want) < 1e-5,
    );
  }
});

Deno.test("at full width a token keeps the length of its patch", async () => {
  const features = await patchesEncoder({ imageSize: 4, patch: 4, width: 48 })
    .encode([noise(4, 4, 3)]);
  const pixels = noise(4, 4, 3).data;
  const squares = (values: Iterable<number>) =>
    Array.from(values).reduce((sum, value) => sum + value * value, 0);
  assert.ok(
    Math.abs(
      squares(features) -
        squares(Array.from(pixels, (value) => value / 127.5 - 1)),
    ) < 1e-4,
  );
});

Deno.test("pictures of another size are resized first", async () => {
  const encoder = patchesEncoder({ imageSize: 8, patch: 4, width: 3 });
  const white = (side: number): Image => ({
    width: side,
    height: side,
    data: new Uint8Array(side * side * 3).fill(255),
  });
  assert.deepEqual(
    await encoder.encode([white(20)]),
    await encoder.encode([white(8)]),
  );
});

Deno.test("the content hash follows every setting", () => {
  const settings = { imageSize: 8, patch: 4, width: 6, seed: 0 };
  const hash = (change: Partial<typeof settings>) =>
    patchesEncoder({ ...settings, ...change }).contentHash;
  const hashes = [
    hash({}),
    hash({ imageSize: 12 }),
    hash({ patch: 2 }),
    hash({ width: 7 }),
    hash({ seed: 1 }),
  ];
  assert.equal(new Set(hashes).size, hashes.length);
  assert.equal(hash({}), hashes[0]);
});

Deno.test("sizes that do not fit are refused by name", () => {
  const make = (change: object) => () =>
    patchesEncoder({ imageSize: 8, patch: 4, width: 6, ...change });
  assert.throws(make({ patch: 3 }), {
    name: "RangeError",
    message: /patch 3 does not divide image size 8/,
  });
  assert.throws(make({ width: 49 }), {
    name: "RangeError",
    message: /width 49 is more than the 48 values/,
  });
  assert.throws(make({ width: 0 }), {
    name: "RangeError",
    message: /width 0 is not a positive whole number/,
  });
  assert.throws(make({ imageSize: NaN }), {
    name: "RangeError",
    message: /imageSize NaN/,
  });
});

Deno.test("a centred picture's tokens have mean zero and keep their differences", async () => {
  const options = { imageSize: 8, patch: 4, width: 12 };
  const image = noise(8, 8, 3);
  const plain = await patchesEncoder(options).encode([image]);
  const centred = await patchesEncoder({ ...options, centre: true }).encode([image]);
  for (let output = 0; output < 12; output++) {
    const column = (tokens: Float32Array) =>
      [0, 1, 2, 3].map((token) => tokens[token * 12 + output]);
    const [a, b] = [column(plain), column(centred)];
    assert.ok(Math.abs(b.reduce((sum, value) => sum + value)) < 1e-5);
    for (let token = 1; token < 4; token++) {
      assert.ok(Math.abs((a[token] - a[0]) - (b[token] - b[0])) < 1e-5);
    }
  }
});
