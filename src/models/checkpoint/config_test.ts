import assert from "node:assert/strict";
import { type JsonObject, readDecoderSettings } from "./config.ts";

const PLAIN: JsonObject = {
  model_type: "llama",
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 5,
  num_attention_heads: 8,
  vocab_size: 512,
};

Deno.test("what a configuration leaves out takes the family's defaults", () => {
  assert.deepEqual(readDecoderSettings(PLAIN), {
    config: {
      vocab_size: 512,
      hidden_size: 64,
      intermediate_size: 172,
      num_hidden_layers: 5,
      num_attention_heads: 8,
      num_key_value_heads: 8,
      head_dim: 8,
      rms_norm_eps: 1e-6,
      rope_theta: 10_000,
      tie_word_embeddings: false,
    },
    eos: [],
    bos: null,
    context: 2048,
  });
  const nulls = { ...PLAIN, num_key_value_heads: null, head_dim: null, rope_scaling: null };
  assert.deepEqual(readDecoderSettings(nulls), readDecoderSettings(PLAIN));
});

Deno.test("what a configuration states is taken, and generation_config.json wins on the ends of text", () => {
  const { config, eos, bos, context } = readDecoderSettings({
    ...PLAIN,
    architectures: ["LlamaForCausalLM"],
    num_key_value_heads: 4,
    head_dim: 16,
    rope_theta: 500_000,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
    max_position_embeddings: 512,
    bos_token_id: 1,
    eos_token_id: 2,
  }, { eos_token_id: [2, 7] });
  assert.deepEqual([config.num_key_value_heads, config.head_dim, config.rope_theta], [4, 16, 5e5]);
  assert.deepEqual([config.rms_norm_eps, config.tie_word_embeddings], [1e-5, true]);
  assert.deepEqual([eos, bos, context], [[2, 7], 1, 512]);
  assert.deepEqual(readDecoderSettings({ ...PLAIN, eos_token_id: 2 }, {}).eos, [2]);
});

Deno.test("theta is also found where newer configurations keep it", () => {
  const newer = { ...PLAIN, rope_parameters: { rope_type: "default", rope_theta: 250_000 } };
  assert.equal(readDecoderSettings(newer).config.rope_theta, 250_000);
});

Deno.test("Mistral without its window is a Llama", () => {
  const same = { ...PLAIN, num_key_value_heads: 4, max_position_embeddings: 4096 };
  const mistral = { ...same, model_type: "mistral", sliding_window: null };
  assert.deepEqual(readDecoderSettings(mistral), readDecoderSettings(same));
  // Its defaults are others.
  const silent = { ...PLAIN, model_type: "mistral", sliding_window: null };
  assert.throws(() => readDecoderSettings(silent), /"num_key_value_heads" is undefined/);
});

const REFUSED: [string, JsonObject, RegExp][] = [
  ["another architecture", { model_type: "gpt2" }, /"model_type" is "gpt2"/],
  ["an inherited name as architecture", { model_type: "toString" }, /"toString"/],
  ["no architecture", { model_type: undefined }, /"model_type" is undefined/],
  [
    "another head on the same layers",
    { architectures: ["LlamaForSequenceClassification"] },
    /LlamaForSequenceClassification/,
  ],
  ["a sliding window", { model_type: "mistral", sliding_window: 4096 }, /"sliding_window" 4096/],
  ["a sliding window by default", { model_type: "mistral" }, /"sliding_window" is absent/],
  ["biases of attention", { attention_bias: true }, /"attention_bias" true/],
  ["biases of the MLP", { mlp_bias: true }, /"mlp_bias" true/],
  ["another activation", { hidden_act: "gelu" }, /"hidden_act" "gelu"/],
  [
    "Llama 3's scaling",
    { rope_scaling: { rope_type: "llama3", factor: 8 } },
    /rope_type" "llama3"/,
  ],
  ["linear scaling in the old spelling", { rope_scaling: { type: "linear" } }, /"linear"/],
  ["scaling in the newest spelling", { rope_parameters: { rope_type: "yarn" } }, /"yarn"/],
  ["a rotation of half a head", { partial_rotary_factor: 0.5 }, /"partial_rotary_factor" 0.5/],
  ["interleaved pairs", { rope_interleaved: true }, /"rope_interleaved" true/],
  ["quantised weights", { quantization_config: { bits: 4 } }, /"quantization_config"/],
  ["heads that do not divide", { num_key_value_heads: 3 }, /8 attention heads/],
  ["a head width that is no whole number", { num_attention_heads: 7 }, /"head_dim" is 9\.14/],
  ["a missing size", { hidden_size: undefined }, /"hidden_size" is undefined/],
  ["a size in words", { vocab_size: "512" }, /"vocab_size" is "512"/],
  [
    "a size beyond any model",
    { num_hidden_layers: 1e15 },
    /"num_hidden_layers" is 1000000000000000/,
  ],
  ["a negative size", { num_hidden_layers: -1 }, /"num_hidden_layers" is -1/],
  ["an end of text outside the vocabulary", { eos_token_id: [2, 512] }, /"eos_token_id" 512/],
];

for (const [what, fields, message] of REFUSED) {
  Deno.test(`${what}: refused by name`, () => {
    assert.throws(() => readDecoderSettings({ ...PLAIN, ...fields }), (error: Error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError, `${error}`);
      assert.match(error.message, message);
      return true;
    });
  });
}
