import assert from "node:assert/strict";
import type { Image } from "../data/dataset.ts";
import { type Tensor, writeSafetensors } from "../models/safetensors.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { loadEncoder } from "./encoders.ts";
import { precomputedEncoder } from "./precomputed.ts";

const PICTURE: Image = { width: 1, height: 1, data: new Uint8Array(3) };

const matrix = (values: number[], shape = [2, 3]): Tensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
});

/** A folder with these safetensors files while `use` runs. */
async function withFiles(
  files: Record<string, Record<string, Tensor> | Uint8Array>,
  use: (dir: string) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (dir) => {
    for (const [name, content] of Object.entries(files)) {
      const bytes = content instanceof Uint8Array
        ? content
        : writeSafetensors(Object.entries(content));
      await Deno.writeFile(`${dir}/${name}`, bytes);
    }
    await use(dir);
  });
}

Deno.test("features of several files and element types are found by the picture's id", () =>
  withFiles({
    "b.safetensors": { "x/1": matrix([1, 2, 3, 4, 5, 6]) },
    "a.safetensors": {
      "2": { dtype: "F16", shape: [2, 3], data: Float16Array.of(7, 8, 9, 10, 11, 0.5) },
      // The upper halves of float32 1, -2, 3 and zeros.
      "3": {
        dtype: "BF16",
        shape: [2, 3],
        data: Uint16Array.of(0x3f80, 0xc000, 0x4040, 0, 0, 0),
      },
    },
    "notes.txt": new Uint8Array(3),
  }, async (dir) => {
    const encoder = await loadEncoder(`features:${dir}`, { cacheDir: "unused" });
    assert.deepEqual([encoder.name, encoder.tokens, encoder.width], ["features", 2, 3]);
    const features = await encoder.encode([PICTURE, PICTURE, PICTURE], ["3", "x/1", "2"]);
    assert.deepEqual([...features], [
      ...[1, -2, 3, 0, 0, 0],
      ...[1, 2, 3, 4, 5, 6],
      ...[7, 8, 9, 10, 11, 0.5],
    ]);
    await assert.rejects(async () => await encoder.encode([PICTURE], ["4"]), {
      name: "RangeError",
      message: `Cannot load features of "${dir}": there is no picture "4"`,
    });
  }));

Deno.test("the content hash follows the numbers and the ids", async () => {
  const hashes = new Set<string>();
  const given: Record<string, Tensor>[] = [
    { a: matrix([1, 2, 3, 4, 5, 6]) },
    { a: matrix([1, 2, 3, 4, 5, 7]) },
    { b: matrix([1, 2, 3, 4, 5, 6]) },
  ];
  for (const tensors of given) {
    await withFiles({ "f.safetensors": tensors }, async (dir) => {
      const { contentHash } = await precomputedEncoder(dir);
      assert.equal((await precomputedEncoder(dir)).contentHash, contentHash);
      hashes.add(contentHash);
    });
  }
  assert.equal(hashes.size, 3);
});

const WRONG: [string, Record<string, Record<string, Tensor> | Uint8Array>, RegExp][] = [
  ["no file", {}, /it has no .safetensors file$/],
  ["no tensor", { "a.safetensors": {} }, /its files hold no tensor$/],
  [
    "an id twice",
    { "a.safetensors": { p: matrix([1], [1, 1]) }, "b.safetensors": { p: matrix([1], [1, 1]) } },
    /picture "p" in "b.safetensors" is there twice$/,
  ],
  [
    "two shapes",
    { "a.safetensors": { p: matrix([1, 2], [1, 2]), q: matrix([1, 2], [2, 1]) } },
    /picture "q" in "a.safetensors" has shape \[2,1\], "p" has \[1,2\]$/,
  ],
  [
    "a vector",
    { "a.safetensors": { p: matrix([1, 2], [2]) } },
    /picture "p" in "a.safetensors" is F32 \[2\], not \[tokens, width\] of F32, F16, BF16$/,
  ],
  [
    "integers",
    { "a.safetensors": { p: { dtype: "I32", shape: [1, 1], data: Int32Array.of(1) } } },
    /is I32 \[1,1\], not/,
  ],
  [
    "a number that is none",
    { "a.safetensors": { p: matrix([1, 2, NaN, 4], [2, 2]) } },
    /picture "p" in "a.safetensors" holds a number that is not finite in token 1, column 0$/,
  ],
  ["a damaged file", { "a.safetensors": new Uint8Array(4) }, /4 bytes.*, in "a.safetensors"$/],
];

for (const [what, files, message] of WRONG) {
  Deno.test(`features with ${what} are refused in one line`, () =>
    withFiles(files, (dir) =>
      assert.rejects(precomputedEncoder(dir), (error: Error) => {
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(`Cannot load features of "${dir}": `), error.message);
        assert.ok(!error.message.includes("\n"));
        return true;
      })));
}

Deno.test("a folder that is not there is said so", () =>
  assert.rejects(precomputedEncoder("no-such-folder"), {
    name: "RangeError",
    message: 'Cannot load features of "no-such-folder": there is no such folder',
  }));
