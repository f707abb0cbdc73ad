/** A CLIP folder as an encoder: features, layers, hashes, and what is refused. */
import assert from "node:assert/strict";
import type { Image } from "../data/dataset.ts";
import { parseSafetensors, type Tensor, writeSafetensors } from "../models/safetensors.ts";
import { clipVisionStates } from "../reference/clip.ts";
import { goldenFloat64, goldenFolder, goldenTolerance, readGolden } from "../testing/golden.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { assertClose } from "../testing/tolerance.ts";
import { clipEncoder, type ClipEncoderOptions } from "./clip.ts";
import { defaultPreprocessing, preprocess } from "./clip_preprocessing.ts";
import { loadEncoder } from "./encoders.ts";
import { poolTokens } from "./token_grid.ts";

const TOPIC = "clip_vision/quick_gelu";
const { json: CONFIG } = readGolden(TOPIC, "config");
const MODEL = Deno.readFileSync(`${goldenFolder()}/${TOPIC}/model.safetensors`);
const CASE = readGolden(TOPIC, "case").json;

/** A folder with the golden model, changed as said, while `use` runs. */
async function withFolder(
  use: (dir: string) => Promise<unknown>,
  files: Record<string, string | Uint8Array | null> = {},
): Promise<void> {
  await inTempFolder(async (dir) => {
    const all = { "config.json": JSON.stringify(CONFIG), "model.safetensors": MODEL, ...files };
    for (const [name, content] of Object.entries(all)) {
      if (typeof content === "string") await Deno.writeTextFile(`${dir}/${name}`, content);
      else if (content) await Deno.writeFile(`${dir}/${name}`, content);
    }
    await use(dir);
  });
}

/** The model with some tensors changed or, where null, taken away. */
function changedModel(changes: Record<string, Tensor | null>): Uint8Array {
  const tensors = parseSafetensors(MODEL);
  for (const [name, tensor] of Object.entries(changes)) {
    if (tensor) tensors.set(name, tensor);
    else tensors.delete(name);
  }
  return writeSafetensors(tensors);
}

function picture(seed: number, width: number, height: number): Image {
  const data = Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => (seed * 71 + i * 37 + Math.floor(i / 11) * 13) % 256,
  );
  return { width, height, data };
}

const PICTURES = [picture(1, 30, 20), picture(2, 18, 18), picture(3, 7, 40)];

/** States of a picture by the float64 reference. */
function states(image: Image, layer: number): Float64Array {
  const pixels = preprocess(image, defaultPreprocessing(CONFIG.image_size));
  const model = readGolden(TOPIC, "model");
  return clipVisionStates(pixels, (name) => goldenFloat64(model, name), CONFIG)[layer];
}

for (const engine of await testEngines()) {
  Deno.test(`the state before the last layer is encoded, every token of it ${formOf(engine)}`, () =>
    withFolder(async (dir) => {
      const before = engine.memory.bytes;
      const encoder = await loadEncoder(dir, { cacheDir: "unused", engine: () => engine });
      assert.deepEqual([encoder.tokens, encoder.width], [CASE.tokens, CONFIG.hidden_size]);
      assert.equal(engine.memory.bytes, before, "weights wait for the first picture");
      const ids = PICTURES.map((_, i) => `${i}`);
      // More pictures than a batch takes.
      const many = Array.from({ length: 20 }, (_, i) => PICTURES[i % 3]);
      const features = await encoder.encode(many, ids);
      const size = encoder.tokens * encoder.width;
      const tolerance = goldenTolerance(CASE, "hidden_states");
      for (const i of [0, 1, 2, 18]) {
        const got = features.subarray(i * size, (i + 1) * size);
        const wanted = states(PICTURES[i % 3], CONFIG.num_hidden_layers - 1);
        assertClose(got, wanted, tolerance, `picture ${i}`);
      }
      await encoder.close!();
      assert.equal(engine.memory.bytes, before);
      await assert.rejects(encoder.encode(PICTURES, ids), /it is closed$/);
    }));

  Deno.test(`any state can be taken, and its patches averaged ${formOf(engine)}`, () =>
    withFolder(async (dir) => {
      const use = { engine: () => engine };
      for (const [layer, index] of [[0, 0], [-4, 0], [1, 1], [3, 3], [-1, 3]]) {
        const encoder = await clipEncoder(dir, { ...use, layer, pool: 1 });
        assert.equal(encoder.tokens, 2);
        const got = await encoder.encode([PICTURES[0]]);
        const data = Float32Array.from(states(PICTURES[0], index));
        const wanted = poolTokens({ tokens: CASE.tokens, width: CONFIG.hidden_size, data }, 1).data;
        assertClose(got, wanted, goldenTolerance(CASE, "hidden_states"), `layer ${layer}`);
        await encoder.close();
      }
    }));
}

Deno.test("random weights of a seed give features of their own, the same each time", () =>
  withFolder(async (dir) => {
    const [engine] = await testEngines();
    const features: Float32Array[] = [];
    for (const randomSeed of [1, 1, 2, undefined]) {
      const encoder = await clipEncoder(dir, { randomSeed, engine: () => engine });
      features.push(await encoder.encode(PICTURES));
      assert.equal(/random weights of seed \d/.test(encoder.description), randomSeed !== undefined);
      await encoder.close();
    }
    const [first, again, other, trained] = features;
    assert.deepEqual(again, first);
    for (const one of [other, trained]) assert.notDeepEqual(one, first);
  }));

Deno.test("the content hash covers weights, layer, pooling and preprocessing, and nothing else", async () => {
  const hashes: string[] = [];
  const hash = (options: ClipEncoderOptions = {}, files = {}) =>
    withFolder(
      async (dir) => hashes.push((await clipEncoder(dir, options)).contentHash),
      files,
    );
  await hash();
  await hash({ layer: -2 });
  await hash({ layer: CONFIG.num_hidden_layers - 1 });
  assert.equal(new Set(hashes).size, 1);
  await hash({ layer: -1 });
  await hash({ pool: 1 });
  await hash({ randomSeed: 1 });
  await hash({ randomSeed: 2 });
  const bias = "vision_model.pre_layrnorm.bias";
  const { shape } = parseSafetensors(MODEL).get(bias)!;
  const data = new Float32Array(CONFIG.hidden_size);
  await hash({}, { "model.safetensors": changedModel({ [bias]: { dtype: "F32", shape, data } }) });
  await hash({}, { "config.json": JSON.stringify({ ...CONFIG, layer_norm_eps: 1e-6 }) });
  const size = { height: CONFIG.image_size, width: CONFIG.image_size };
  const preprocessor = { size, do_center_crop: false, image_mean: [0.5, 0.5, 0.5] };
  await hash({}, { "preprocessor_config.json": JSON.stringify(preprocessor) });
  assert.equal(new Set(hashes).size, 8);
});

Deno.test("a tower of a pair is read beside the text tower", () => {
  const { hidden_size: _, ...rest } = CONFIG;
  const pair = {
    model_type: "clip",
    projection_dim: 14,
    vision_config: CONFIG,
    text_config: { hidden_size: 8, num_attention_heads: 2 },
    ...rest.torch_dtype && { torch_dtype: rest.torch_dtype },
  };
  return withFolder(async (dir) => {
    const { tokens, width } = await loadEncoder(dir, { cacheDir: "unused" });
    assert.deepEqual([tokens, width], [CASE.tokens, CONFIG.hidden_size]);
  }, { "config.json": JSON.stringify(pair) });
});

const LAST_KEY = `vision_model.encoder.layers.1.self_attn.k_proj.weight`;

const WRONG: [string, Record<string, string | Uint8Array | null>, RegExp, object?][] = [
  [
    "without a tensor",
    { "model.safetensors": changedModel({ [LAST_KEY]: null }) },
    new RegExp(
      `^Cannot load CLIP model: tensor "${LAST_KEY}" is missing, in ".*model.safetensors"$`,
    ),
  ],
  [
    "with a misshaped tensor",
    {
      "model.safetensors": changedModel({
        [LAST_KEY]: { dtype: "F32", shape: [2, 2], data: new Float32Array(4) },
      }),
    },
    /k_proj.weight" has shape \[2,2\], not \[24,24\], in /,
  ],
  [
    "with integers for weights",
    {
      "model.safetensors": changedModel({
        [LAST_KEY]: { dtype: "U8", shape: [24, 24], data: new Uint8Array(576) },
      }),
    },
    /k_proj.weight" is U8, not one of F32, F16, BF16, F64, in /,
  ],
  ["cut short", { "model.safetensors": MODEL.subarray(0, 70000) }, /^Cannot read .*, in ".*"$/],
  ["whose configuration is no JSON", { "config.json": "{" }, /^Cannot read ".*config.json": /],
  [
    "with an unknown activation",
    { "config.json": JSON.stringify({ ...CONFIG, hidden_act: "gelu_new" }) },
    /"hidden_act" is "gelu_new": /,
  ],
  [
    "whose patches do not fill a picture",
    { "config.json": JSON.stringify({ ...CONFIG, patch_size: 5 }) },
    /patch_size 5 does not divide image_size 18, in /,
  ],
  [
    "with heads of no whole width",
    { "config.json": JSON.stringify({ ...CONFIG, num_attention_heads: 5 }) },
    /hidden_size 24 is no multiple of 5 attention heads, in /,
  ],
  ["asked for a layer too many", {}, /layer 4 of encoder ".*": it has hidden states -4 to 3$/, {
    layer: 4,
  }],
  ["asked for a layer too few", {}, /layer -5 of encoder /, { layer: -5 }],
  ["asked for half a layer", {}, /layer 0.5 of encoder /, { layer: 0.5 }],
  ["pooled to what does not divide it", {}, /a grid of 3 x 3 image tokens to 2 x 2$/, { pool: 2 }],
];

for (const [what, files, message, options] of WRONG) {
  Deno.test(`a CLIP folder ${what} is refused in one line`, () =>
    withFolder(
      (dir) =>
        assert.rejects(loadEncoder(dir, { cacheDir: "unused", ...options }), (error: Error) => {
          assert.match(error.message, message);
          assert.ok(!error.message.includes("\n"), error.message);
          return true;
        }),
      files,
    ));
}

Deno.test("without a device no picture is encoded", () =>
  withFolder(async (dir) => {
    const encoder = await clipEncoder(dir, {});
    await assert.rejects(encoder.encode(PICTURES), /no device was opened$/);
  }));
