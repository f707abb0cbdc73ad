import assert from "node:assert/strict";
import { join } from "node:path";
import type { Dataset, Image } from "../data/dataset.ts";
import { easyShapes } from "../data/easy_shapes.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import type { Encoder } from "./encoder.ts";
import { encodeExamples } from "./features.ts";
import { patchesEncoder } from "./patches.ts";

const dataset = easyShapes({ seed: 1, trainImages: 37, validationImages: 4, testImages: 5 });

/** The encoder `patches`, counting the pictures it encodes. */
function counting(change: Partial<Encoder> = {}) {
  const patches = patchesEncoder({ imageSize: 16, patch: 8, width: 5 });
  const seen = { pictures: 0 };
  const encode = (images: Image[]) => {
    seen.pictures += images.length;
    return patches.encode(images);
  };
  return { encoder: { ...patches, encode, ...change }, seen };
}

async function withCache(use: (cacheDir: string) => Promise<void>) {
  await inTempFolder((dir) => use(join(dir, "features")));
}

async function files(dir: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => join(dir, name));
}

Deno.test("features stand at the index of their example, with progress on the way", async () => {
  await withCache(async (cacheDir) => {
    const { encoder } = counting();
    const progress: number[][] = [];
    const features = await encodeExamples(encoder, dataset, "train", {
      cacheDir,
      onProgress: (...step) => progress.push(step),
    });
    assert.deepEqual([features.tokens, features.width, features.data.length], [4, 5, 37 * 20]);
    assert.deepEqual(progress, [[16, 37], [32, 37], [37, 37]]);
    for (const example of [dataset.train[0], dataset.train[20], dataset.train[36]]) {
      const at = features.index.get(example.id)! * 20;
      assert.deepEqual(
        features.data.slice(at, at + 20),
        await encoder.encode([await example.image()], [example.id]),
      );
    }
  });
});

Deno.test("the second time the cache gives the same numbers without encoding", async () => {
  await withCache(async (cacheDir) => {
    const first = counting(), second = counting();
    const made = await encodeExamples(first.encoder, dataset, "train", { cacheDir });
    const progress: number[][] = [];
    const read = await encodeExamples(second.encoder, dataset, "train", {
      cacheDir,
      onProgress: (...step) => progress.push(step),
    });
    assert.deepEqual([first.seen.pictures, second.seen.pictures], [37, 0]);
    assert.deepEqual(read, made);
    assert.deepEqual(progress, [[37, 37]]);
  });
});

Deno.test("another encoder, data set or split is encoded anew", async () => {
  await withCache(async (cacheDir) => {
    const { encoder, seen } = counting();
    const other: Dataset = { ...dataset, contentHash: "0".repeat(64) };
    await encodeExamples(encoder, dataset, "test", { cacheDir });
    await encodeExamples(encoder, dataset, "validation", { cacheDir });
    await encodeExamples(encoder, other, "test", { cacheDir });
    await encodeExamples({ ...encoder, contentHash: "1".repeat(64) }, dataset, "test", {
      cacheDir,
    });
    assert.equal(seen.pictures, 5 + 4 + 5 + 5);
    assert.equal((await files(cacheDir)).length, 4);
  });
});

Deno.test("a damaged cache file, wherever the damage, is made again and said on standard error", async () => {
  await withCache(async (cacheDir) => {
    const { encoder, seen } = counting();
    const made = await encodeExamples(encoder, dataset, "test", { cacheDir });
    const [file] = await files(cacheDir);
    const bytes = await Deno.readFile(file);
    const flipped = (at: number) => bytes.with(at, bytes[at] ^ 1);
    const damages = [
      flipped(bytes.length - 1),
      flipped(20),
      flipped(5),
      bytes.slice(0, -4),
      new Uint8Array(),
    ];
    const said: string[] = [];
    const original = console.error;
    console.error = (line: string) => said.push(line);
    try {
      for (const damage of damages) {
        await Deno.writeFile(file, damage);
        const again = await encodeExamples(encoder, dataset, "test", { cacheDir });
        assert.deepEqual(again.data, made.data);
        assert.deepEqual(await Deno.readFile(file), bytes);
      }
    } finally {
      console.error = original;
    }
    assert.equal(seen.pictures, 5 * (1 + damages.length));
    assert.equal(said.length, damages.length);
    for (const line of said) {
      assert.match(line, /^Cached features \w+.features are damaged and are made again$/);
    }
    assert.equal((await files(cacheDir)).length, 1);
  });
});

Deno.test("an empty split has empty features", async () => {
  await withCache(async (cacheDir) => {
    const features = await encodeExamples(counting().encoder, { ...dataset, test: [] }, "test", {
      cacheDir,
    });
    assert.deepEqual([features.data.length, features.index.size], [0, 0]);
  });
});

Deno.test("an encoder that breaks its word is caught, and leaves nothing in the cache", async () => {
  await withCache(async (cacheDir) => {
    const short = counting({
      encode: (images) => Promise.resolve(new Float32Array(images.length)),
    });
    await assert.rejects(encodeExamples(short.encoder, dataset, "test", { cacheDir }), {
      name: "TypeError",
      message: 'Cannot encode pictures: encoder "patches" gave 5 numbers for 5 pictures of 4 x 5',
    });
    const spoiled = counting({
      encode: (images) => Promise.resolve(new Float32Array(images.length * 20).fill(NaN, 41, 42)),
    });
    await assert.rejects(encodeExamples(spoiled.encoder, dataset, "test", { cacheDir }), {
      name: "TypeError",
      message: 'Cannot encode picture "test/2": encoder "patches" gave NaN',
    });
    await assert.rejects(files(cacheDir), Deno.errors.NotFound);
  });
});
