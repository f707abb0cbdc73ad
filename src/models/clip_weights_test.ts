import assert from "node:assert/strict";
import { randomValues } from "../reference/random_values.ts";
import { goldenFolder, readGolden } from "../testing/golden.ts";
import { parseClipConfig, parseClipVisionConfig } from "./clip_config.ts";
import { clipPairParts, clipVisionParts, packClip, unpackClip } from "./clip_weights.ts";
import { parseSafetensors, type Tensor } from "./safetensors.ts";

const TOPIC = "clip_vision/gelu";
const CONFIG = parseClipVisionConfig(readGolden(TOPIC, "config").json);
const MODEL = parseSafetensors(Deno.readFileSync(`${goldenFolder()}/${TOPIC}/model.safetensors`));

Deno.test("a vision model has just the tensors of CLIPVisionModelWithProjection", () => {
  const { specs } = clipVisionParts(CONFIG);
  assert.deepEqual(
    new Map(specs.map(({ name, shape }) => [name, shape])),
    new Map([...MODEL].map(([name, { shape }]) => [name, shape])),
  );
});

Deno.test("a checkpoint comes back from the kernels' matrices bit for bit", () => {
  const parts = clipVisionParts(CONFIG);
  const packed = packClip(parts, MODEL);
  assert.deepEqual(unpackClip(parts, packed), MODEL);
  const layer = "vision_model.encoder.layers.0.self_attn";
  // Three heads of seven, each padded to eight, three times.
  const { rows, columns } = packed.get(`${layer}.qkv.weight`)!;
  assert.deepEqual([rows, columns], [3 * 3 * 8, 21]);
  const bias = packed.get(`${layer}.qkv.bias`)!;
  const key = MODEL.get(`${layer}.k_proj.bias`)!.data;
  assert.deepEqual([bias.rows, bias.columns], [1, 72]);
  assert.deepEqual([...bias.data.subarray(24 + 8, 24 + 16)], [...key.slice(7, 14), 0]);
});

Deno.test("a pair has the names of CLIPModel, and every tensor comes back", () => {
  const small = {
    hidden_size: 12,
    intermediate_size: 9,
    num_hidden_layers: 1,
    num_attention_heads: 2,
  };
  const config = parseClipConfig({
    projection_dim: 5,
    vision_config: { ...small, image_size: 4, patch_size: 2 },
    text_config: { ...small, vocab_size: 11, max_position_embeddings: 6 },
  });
  const parts = clipPairParts(config);
  const names = parts.specs.map(({ name }) => name);
  for (
    const name of [
      "logit_scale",
      "text_projection.weight",
      "visual_projection.weight",
      "text_model.final_layer_norm.bias",
      "text_model.embeddings.token_embedding.weight",
      "text_model.encoder.layers.0.mlp.fc2.bias",
      "vision_model.pre_layrnorm.weight",
    ]
  ) assert.ok(names.includes(name), name);
  assert.equal(new Set(names).size, names.length);
  const checkpoint = new Map(
    parts.specs.map(({ name, shape, rows, columns }, i): [string, Tensor] => [
      name,
      { dtype: "F32", shape, data: Float32Array.from(randomValues(i, rows * columns)) },
    ]),
  );
  assert.deepEqual(unpackClip(parts, packClip(parts, checkpoint)), checkpoint);
  assert.deepEqual(checkpoint.get("text_projection.weight")!.shape, [5, 12]);
});

Deno.test("half precision is taken, and tensors beside the model's are left alone", () => {
  const parts = clipVisionParts(CONFIG, { layers: 0, head: false });
  const name = "vision_model.pre_layrnorm.weight";
  const { shape, data } = MODEL.get(name)!;
  const half = Float16Array.from(data as Float32Array);
  const checkpoint = new Map(MODEL).set(name, { dtype: "F16", shape, data: half })
    .set("vision_model.embeddings.position_ids", {
      dtype: "I64",
      shape: [1],
      data: BigInt64Array.of(0n),
    });
  const packed = packClip(parts, checkpoint);
  assert.deepEqual([...packed.get(name)!.data], [...half]);
  assert.equal(packed.size, parts.specs.length);
});
