import assert from "node:assert/strict";
import {
  clipGelu,
  clipHeads,
  isClipConfig,
  parseClipConfig,
  parseClipVisionConfig,
  visionTokens,
} from "./clip_config.ts";

Deno.test("what a file leaves out is as Hugging Face has it", () => {
  const { vision_config, text_config, ...rest } = parseClipConfig({ model_type: "clip" });
  assert.deepEqual(rest, { projection_dim: 512, logit_scale_init_value: 2.6592 });
  // ViT-B/32 and its text tower.
  assert.deepEqual(vision_config, {
    hidden_act: "quick_gelu",
    layer_norm_eps: 1e-5,
    projection_dim: 512,
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    num_channels: 3,
    image_size: 224,
    patch_size: 32,
  });
  assert.deepEqual(text_config, {
    hidden_act: "quick_gelu",
    layer_norm_eps: 1e-5,
    projection_dim: 512,
    hidden_size: 512,
    intermediate_size: 2048,
    num_hidden_layers: 12,
    num_attention_heads: 8,
    vocab_size: 49408,
    max_position_embeddings: 77,
  });
  assert.equal(visionTokens(vision_config), 50);
});

Deno.test("the vision tower of a pair has the pair's projection", () => {
  const vision_config = { patch_size: 16, projection_dim: 7, hidden_act: "gelu" };
  const tower = parseClipVisionConfig({ model_type: "clip", projection_dim: 640, vision_config });
  assert.deepEqual([tower.patch_size, tower.projection_dim], [16, 640]);
  assert.equal(clipGelu(tower), "exact");
  const alone = parseClipVisionConfig({ model_type: "clip_vision_model", ...vision_config });
  assert.deepEqual([alone.patch_size, alone.projection_dim], [16, 7]);
  assert.equal(clipGelu(parseClipVisionConfig({})), "quick");
});

Deno.test("heads are padded to a multiple of four", () => {
  const tower = parseClipVisionConfig({ hidden_size: 21, num_attention_heads: 3 });
  assert.deepEqual(clipHeads(tower), { heads: 3, kvHeads: 3, headDim: 7, headWidth: 8 });
});

Deno.test("models with a CLIP vision tower are known by their type", () => {
  assert.ok(
    isClipConfig({ model_type: "clip" }) && isClipConfig({ model_type: "clip_vision_model" }),
  );
  for (const other of [{ model_type: "clip_text_model" }, { model_type: "siglip" }, {}, null, 3]) {
    assert.ok(!isClipConfig(other));
  }
});

Deno.test("what cannot be built is refused in one line that names the field", () => {
  const wrong: [unknown, string, RegExp][] = [
    [{ hidden_act: "relu" }, "TypeError", /vision tower: "hidden_act" is "relu": /],
    [{ num_channels: 1 }, "TypeError", /"num_channels" is 1: /],
    [{ hidden_size: 0 }, "TypeError", /"hidden_size" is 0: /],
    [{ patch_size: "32" }, "TypeError", /"patch_size" is "32": /],
    [{ patch_size: 50 }, "RangeError", /patch_size 50 does not divide image_size 224$/],
    [{ num_attention_heads: 7 }, "RangeError", /768 is no multiple of 7 attention heads$/],
    [
      { model_type: "clip", text_config: { vocab_size: -1 } },
      "TypeError",
      /CLIP model: "text_config.vocab_size" is -1: /,
    ],
    [
      { model_type: "clip", text_config: { num_attention_heads: 5 } },
      "RangeError",
      /CLIP text tower: hidden_size 512 is no multiple of 5/,
    ],
    [[], "TypeError", /^Cannot read configuration of CLIP vision tower: /],
  ];
  for (const [json, name, message] of wrong) {
    assert.throws(() => parseClipVisionConfig(json), (error: Error) => {
      assert.equal(error.name, name);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  }
});
