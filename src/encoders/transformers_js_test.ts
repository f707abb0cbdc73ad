import assert from "node:assert/strict";
import { join } from "node:path";
import type { Image } from "../data/dataset.ts";
import { stream } from "../data/random.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { childPermissions, TRANSFORMERS_JS, transformersEncoder } from "./transformers_js.ts";

/** Folder of an image model of transformers.js; the tests that need one, and the 500 MB library, are left out without. */
const MODEL = Deno.env.get("PLUMBLINE_IMAGE_MODEL");
const ignore = MODEL === undefined;
if (ignore) {
  console.error(
    "PLUMBLINE_IMAGE_MODEL is not set: tests with an image model of transformers.js are left out",
  );
}

const read = async (file: string) =>
  JSON.parse(await Deno.readTextFile(new URL(file, import.meta.url)));

Deno.test("the library is locked in its own lock file, every package by a hash", async () => {
  const lock = await read("./transformers_js.lock");
  assert.deepEqual(Object.keys(lock.specifiers), [TRANSFORMERS_JS]);
  for (const [name, { integrity }] of Object.entries<{ integrity?: string }>(lock.npm)) {
    assert.match(integrity ?? "", /^sha512-/, name);
  }
});

Deno.test("the project's own lock file does not name the library, or every start would fetch it", async () => {
  const { npm } = await read("../../deno.lock");
  assert.deepEqual(
    Object.keys(npm).filter((name) => name.startsWith("@huggingface/transformers@")),
    [],
  );
});

Deno.test("the child writes and reaches the network for a model of the hub only, and runs nothing", () => {
  const always = ["--no-prompt", "--allow-read", "--allow-env", "--allow-sys", "--allow-ffi"]
    .sort();
  const flags = (...of: Parameters<typeof childPermissions>) => childPermissions(...of).sort();
  assert.deepEqual(flags(null), always);
  assert.deepEqual(
    flags("/cache/models"),
    [
      ...always,
      "--allow-write=/cache/models",
      "--allow-net=huggingface.co,*.huggingface.co,*.hf.co",
    ].sort(),
  );
  assert.ok(flags("/m", "https://hub.example:8080/").includes("--allow-net=hub.example:8080"));
  assert.deepEqual(flags(null, "hub"), always);
  assert.throws(() => flags("/m", "hub"), /HF_ENDPOINT "hub" is no address$/);
});

function noise(side: number, seed: number): Image {
  const { int } = stream(seed, "noise");
  return {
    width: side,
    height: side,
    data: Uint8Array.from({ length: side * side * 3 }, () => int(256)),
  };
}

async function withModel(
  pool: number | undefined,
  use: (encoder: Awaited<ReturnType<typeof transformersEncoder>>) => Promise<void>,
) {
  await inTempFolder(async (cacheDir) => {
    const encoder = await transformersEncoder(MODEL!, { pool, cacheDir });
    try {
      await use(encoder);
    } finally {
      await encoder.close();
    }
  });
}

Deno.test({
  name: "a local image model encodes each picture by itself, whatever its batch and size",
  ignore,
  async fn() {
    await withModel(undefined, async (encoder) => {
      const [a, b] = [noise(40, 1), noise(64, 2)];
      const size = encoder.tokens * encoder.width;
      const both = await encoder.encode([a, b]);
      assert.equal(both.length, 2 * size);
      const [one, two] = await Promise.all([encoder.encode([a]), encoder.encode([b])]);
      for (const [i, value] of [...one, ...two].entries()) {
        assert.ok(Math.abs(both[i] - value) < 1e-3, `${i}`);
      }
      assert.notDeepEqual(one, two);
      assert.match(encoder.contentHash, /^[0-9a-f]{64}$/);
    });
  },
});

Deno.test({
  name: "pooling to one token gives the mean of a grid, and another content hash",
  ignore,
  async fn() {
    const picture = noise(40, 3);
    await withModel(undefined, async (plain) => {
      const grid = await plain.encode([picture]);
      // A class token, where the model has one, stays in front.
      const first = Number.isInteger(Math.sqrt(plain.tokens)) ? 0 : 1;
      await withModel(1, async (pooled) => {
        assert.deepEqual([pooled.tokens, pooled.width], [first + 1, plain.width]);
        assert.notEqual(pooled.contentHash, plain.contentHash);
        const values = (await pooled.encode([picture])).subarray(first * plain.width);
        for (const [channel, value] of values.entries()) {
          let sum = 0;
          for (let token = first; token < plain.tokens; token++) {
            sum += grid[token * plain.width + channel];
          }
          assert.ok(Math.abs(value - sum / (plain.tokens - first)) < 1e-3);
        }
      });
    });
  },
});

Deno.test({
  name: "a folder that holds no image model is refused in one line that names it",
  ignore,
  async fn() {
    await inTempFolder(async (dir) => {
      await Deno.writeTextFile(join(dir, "config.json"), '{"model_type":"llama"}');
      await assert.rejects(transformersEncoder(dir, { cacheDir: dir }), (error: Error) => {
        assert.ok(
          error.message.startsWith(`Cannot load encoder "${dir}": `) &&
            !error.message.includes("\n"),
          error.message,
        );
        return true;
      });
    });
  },
});
