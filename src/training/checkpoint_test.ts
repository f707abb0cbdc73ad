import assert from "node:assert/strict";
import { join } from "node:path";
import { type Tensor, writeSafetensors } from "../models/safetensors.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";

/** A path in a folder of its own. */
async function withPath(test: (path: string) => Promise<void>): Promise<void> {
  await inTempFolder((dir) => test(join(dir, "state.safetensors")));
}

const state = new Map([
  ["parameters/w", { rows: 2, columns: 3, data: Float32Array.of(1, -0, 1e-45, 3.4e38, 0.1, -5) }],
  ["m/w", { rows: 1, columns: 1, data: Float32Array.of(7) }],
  ["none", { rows: 0, columns: 4, data: new Float32Array() }],
]);

Deno.test("a state comes back bit for bit, with what it belongs to", async () => {
  await withPath(async (path) => {
    assert.equal(await loadCheckpoint(path), null);
    const metadata = { identity: 'a "quoted"\nname', step: "3" };
    await saveCheckpoint(path, state, metadata);
    const loaded = (await loadCheckpoint(path))!;
    assert.deepEqual(loaded.metadata, metadata);
    assert.deepEqual([...loaded.state.keys()].sort(), [...state.keys()].sort());
    for (const [name, matrix] of state) assert.deepEqual(loaded.state.get(name), matrix, name);
    // Another takes its place, and nothing else is left in the folder.
    await saveCheckpoint(path, new Map(), {});
    assert.deepEqual(await loadCheckpoint(path), { state: new Map(), metadata: {} });
    const names = await Array.fromAsync(Deno.readDir(join(path, "..")));
    assert.equal(names.length, 1);
  });
});

Deno.test("a bit that changed is found, in a number as in the metadata", async () => {
  await withPath(async (path) => {
    await saveCheckpoint(path, state, { step: "3" });
    const whole = await Deno.readFile(path);
    const step = new TextDecoder("latin1").decode(whole).indexOf('"step":"3"') + 8;
    for (const at of [whole.length - 1, step]) {
      const damaged = whole.slice();
      damaged[at] ^= 1;
      await Deno.writeFile(path, damaged);
      await assert.rejects(loadCheckpoint(path), {
        name: "SyntaxError",
        message: `Cannot read checkpoint: its checksum is another, in "${path}"`,
      });
    }
  });
});

Deno.test("a damaged checkpoint is refused in one line that names tensor and file", async () => {
  const tensor = (value: Partial<Tensor>) =>
    writeSafetensors([[
      "w",
      { dtype: "F32", shape: [2], data: new Float32Array(2), ...value } as Tensor,
    ]]);
  await withPath(async (path) => {
    await saveCheckpoint(path, state, { step: "3" });
    const whole = await Deno.readFile(path);
    // A number in place of a string, of as many bytes.
    const numbered = whole.slice();
    const at = new TextDecoder("latin1").decode(whole).indexOf('"step":"3"');
    numbered.set(new TextEncoder().encode('"step": 33'), at);
    const damages: [
      Uint8Array,
      typeof RangeError | typeof TypeError | typeof SyntaxError,
      RegExp,
    ][] = [
      [new Uint8Array(3), RangeError, /^Cannot read safetensors: the file has 3 bytes/],
      [
        whole.subarray(0, whole.length - 4),
        RangeError,
        /^Cannot read tensor "parameters\/w": data offsets/,
      ],
      [tensor({}), RangeError, /^Cannot read tensor "w": it has shape \[2\], not rows and columns/],
      [
        tensor({ dtype: "I32", shape: [1, 2], data: new Int32Array(2) }),
        TypeError,
        /^Cannot convert tensor to float32: its elements are I32/,
      ],
      [whole.map((byte, i) => i === 8 ? 0x20 : byte), SyntaxError, /header is no JSON/],
      [numbered, TypeError, /"__metadata__" is not a map of strings/],
    ];
    for (const [bytes, Kind, message] of damages) {
      await Deno.writeFile(path, bytes);
      await assert.rejects(loadCheckpoint(path), (error: Error) => {
        assert.ok(error instanceof Kind, String(error));
        assert.match(error.message, message);
        assert.ok(error.message.endsWith(`, in "${path}"`), error.message);
        return true;
      });
    }
  });
});

Deno.test("what is no file is no missing checkpoint", async () => {
  await withPath(async (path) => {
    await Deno.mkdir(path);
    await assert.rejects(loadCheckpoint(path));
  });
});
