import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { TINY_CONFIG, tinyTensors, withModelFolder } from "../../testing/tiny_checkpoint.ts";
import { llamaSpecs } from "../llama_weights.ts";
import { type Tensor, toFloat32, writeSafetensors } from "../safetensors.ts";
import { openWeights } from "./weights.ts";

const TENSORS = tinyTensors();
const SPECS = llamaSpecs(TINY_CONFIG);
const GAIN = "model.norm.weight";
const HEAD = "lm_head.weight";

function assertHolds(
  checkpoint: Awaited<ReturnType<typeof openWeights>>["checkpoint"],
  tensors: ReadonlyMap<string, Tensor>,
) {
  for (const { name, rows, columns } of SPECS) {
    assert.deepEqual(checkpoint.get(name), { rows, columns, data: toFloat32(tensors.get(name)!) });
  }
  assert.equal(checkpoint.get("no.such.weight"), undefined);
}

/** The upper halves of float32 numbers. */
const toBfloat16 = (data: Float32Array) =>
  Uint16Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length), (b) => b >>> 16);

Deno.test("one file with float32, float16 and bfloat16 tensors is read tensor by tensor", async () => {
  const mixed = new Map([...TENSORS].map(([name, tensor], i): [string, Tensor] => {
    const data = toFloat32(tensor);
    if (i % 3 === 0) return [name, tensor];
    return [
      name,
      i % 3 === 1
        ? { dtype: "F16", shape: tensor.shape, data: new Float16Array(data) }
        : { dtype: "BF16", shape: tensor.shape, data: toBfloat16(data) },
    ];
  }));
  await withModelFolder({ "model.safetensors": mixed }, async (dir) => {
    const { checkpoint, files } = await openWeights(dir, TINY_CONFIG);
    assert.deepEqual(files, ["model.safetensors"]);
    assertHolds(checkpoint, mixed);
  });
});

/** The tensors in two shards, and their index. */
function sharded(): Record<string, unknown> {
  const names = [...TENSORS.keys()];
  const file = (name: string) => `model-0000${1 + names.indexOf(name) % 2}-of-00002.safetensors`;
  return {
    "model.safetensors.index.json": {
      metadata: {},
      weight_map: Object.fromEntries(names.map((name) => [name, file(name)])),
    },
    ...Object.fromEntries(
      Object.entries(Object.groupBy(names, file))
        .map(([shard, own]) => [shard, new Map(own!.map((name) => [name, TENSORS.get(name)!]))]),
    ),
  };
}

Deno.test("shards are read by their index", async () => {
  await withModelFolder(sharded(), async (dir) => {
    const { checkpoint, files } = await openWeights(dir, TINY_CONFIG);
    assert.deepEqual(files, [
      "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
      "model.safetensors.index.json",
    ]);
    assertHolds(checkpoint, TENSORS);
  });
});

Deno.test("a tied decoder's head and old tables of rotations are not asked for", async () => {
  const tied = { ...TINY_CONFIG, tie_word_embeddings: true };
  const table: Tensor = { dtype: "F32", shape: [3], data: new Float32Array(3) };
  const more = new Map([...TENSORS, ["model.layers.0.self_attn.rotary_emb.inv_freq", table]]);
  await withModelFolder({ "model.safetensors": more }, async (dir) => {
    const { checkpoint } = await openWeights(dir, tied);
    assert.equal(checkpoint.get(HEAD), undefined);
  });
});

const one = (name: string, tensor: Tensor | undefined) => {
  const changed = new Map(TENSORS);
  if (tensor) changed.set(name, tensor);
  else changed.delete(name);
  return { "model.safetensors": changed };
};
const withIndex = (map: Record<string, unknown>) => ({
  "model.safetensors.index.json": { weight_map: map },
});
const { "model-00002-of-00002.safetensors": second, ...withoutFirst } = sharded();
const numbers = (...shape: number[]): Tensor => ({
  dtype: "F32",
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)),
});

const REFUSED: [string, Record<string, unknown>, new () => Error, RegExp][] = [
  ["no weights", {}, Deno.errors.NotFound, /neither "model.safetensors" nor/],
  ["a missing tensor", one(HEAD, undefined), RangeError, /tensor "lm_head.weight" is missing/],
  [
    "a transposed tensor",
    one(HEAD, numbers(12, 23)),
    RangeError,
    /"lm_head.weight" of ".*model.safetensors" is \[12,23\], not \[23,12\]/,
  ],
  ["a gain of two dimensions", one(GAIN, numbers(1, 12)), RangeError, /\[1,12\], not \[12\]/],
  [
    "a tensor of integers",
    one(GAIN, { dtype: "I32", shape: [12], data: new Int32Array(12) }),
    TypeError,
    /"model.norm.weight" of ".*model.safetensors" is I32/,
  ],
  [
    "a bias",
    one("model.layers.0.self_attn.q_proj.bias", numbers(24)),
    RangeError,
    /"model.layers.0.self_attn.q_proj.bias" of ".*" has no place/,
  ],
  [
    "a missing shard",
    withoutFirst,
    Deno.errors.NotFound,
    /model-00002-of-00002.safetensors" does not exist/,
  ],
  [
    "a shard without its tensor",
    {
      ...sharded(),
      "model-00002-of-00002.safetensors": new Map([...second as typeof TENSORS].slice(1)),
    },
    RangeError,
    /has tensor "model.layers.0.input_layernorm.weight" in ".*00002-of-00002.safetensors"/,
  ],
  ...[
    "../secret.safetensors",
    "/etc/x.safetensors",
    "a/b.safetensors",
    "..\\x.safetensors",
    3,
    "..",
  ]
    .map((shard): [string, Record<string, unknown>, new () => Error, RegExp] => [
      `a shard ${JSON.stringify(shard)}`,
      withIndex({ [GAIN]: shard }),
      TypeError,
      /tensor "model.norm.weight" lies in .*, which is no safetensors file of its folder/,
    ]),
  ["an index without a map", { "model.safetensors.index.json": {} }, TypeError, /no "weight_map"/],
  [
    "an index that is no JSON",
    { "model.safetensors.index.json": new Uint8Array(3) },
    SyntaxError,
    /index.json"/,
  ],
  [
    "a file cut short",
    { "model.safetensors": writeSafetensors(TENSORS).subarray(0, -5) },
    RangeError,
    /tensor "model.norm.weight".*, in ".*model.safetensors"/,
  ],
  ["an empty file", { "model.safetensors": new Uint8Array() }, RangeError, /0 bytes.*in ".*model/],
];

for (const [what, files, type, message] of REFUSED) {
  Deno.test(`${what}: refused by name`, async () => {
    await withModelFolder(files, async (dir) => {
      await assert.rejects(openWeights(dir, TINY_CONFIG), (error: Error) => {
        assert.ok(error instanceof type, `${error}`);
        assert.match(error.message, message);
        return true;
      });
    });
  });
}

Deno.test("a file that shrinks after it was opened gives an error, not other numbers", async () => {
  await withModelFolder({ "model.safetensors": TENSORS }, async (dir) => {
    const { checkpoint } = await openWeights(dir, TINY_CONFIG);
    await Deno.truncate(join(dir, "model.safetensors"), 3000);
    assert.throws(() => checkpoint.get(GAIN), /the file ends before, in ".*model.safetensors"/);
  });
});

Deno.test("a weight file with any bytes changed is read or refused by name", async () => {
  const honest = writeSafetensors(TENSORS);
  const header = 8 + Number(new DataView(honest.buffer).getBigUint64(0, true));
  await withModelFolder({}, async (dir) => {
    const path = join(dir, "model.safetensors");
    const change = fc.tuple(fc.nat(header - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = honest.slice();
        for (const [at, value] of changes) bytes[at] = value;
        Deno.writeFileSync(path, bytes);
        try {
          const { checkpoint } = await openWeights(dir, TINY_CONFIG);
          for (const { name } of SPECS) checkpoint.get(name);
        } catch (error) {
          assert.ok(
            [TypeError, RangeError, SyntaxError].some((type) => error instanceof type),
            `${error}`,
          );
          assert.match((error as Error).message, /model.safetensors|is missing from/);
        }
      }),
      { numRuns: 150 },
    );
  });
});
