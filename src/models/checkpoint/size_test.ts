import assert from "node:assert/strict";
import { TINY_CONFIG, tinyTensors } from "../../testing/tiny_checkpoint.ts";
import { packLlama } from "../llama_weights.ts";
import { toFloat32 } from "../safetensors.ts";
import { readDecoderSettings } from "./config.ts";
import { decoderSize } from "./size.ts";

/** As published with TinyLlama-1.1B-Chat-v1.0. */
const TINY_LLAMA = {
  architectures: ["LlamaForCausalLM"],
  attention_bias: false,
  bos_token_id: 1,
  eos_token_id: 2,
  hidden_act: "silu",
  hidden_size: 2048,
  intermediate_size: 5632,
  max_position_embeddings: 2048,
  model_type: "llama",
  num_attention_heads: 32,
  num_hidden_layers: 22,
  num_key_value_heads: 4,
  pretraining_tp: 1,
  rms_norm_eps: 1e-05,
  rope_scaling: null,
  rope_theta: 10000.0,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
  vocab_size: 32000,
};

/** As published with SmolLM2-135M. */
const SMOL_LM2 = {
  architectures: ["LlamaForCausalLM"],
  attention_bias: false,
  bos_token_id: 0,
  eos_token_id: 0,
  hidden_act: "silu",
  hidden_size: 576,
  intermediate_size: 1536,
  max_position_embeddings: 8192,
  mlp_bias: false,
  model_type: "llama",
  num_attention_heads: 9,
  num_hidden_layers: 30,
  num_key_value_heads: 3,
  rms_norm_eps: 1e-05,
  rope_interleaved: false,
  rope_scaling: null,
  rope_theta: 100000,
  tie_word_embeddings: true,
  vocab_size: 49152,
};

const sizeOf = (json: Record<string, unknown>) => {
  const { config, context } = readDecoderSettings(json);
  return decoderSize(config, context);
};

Deno.test("published models have their published number of parameters", () => {
  assert.equal(sizeOf(TINY_LLAMA).parameters, 1_100_048_384);
  assert.equal(sizeOf(SMOL_LM2).parameters, 134_515_008);
});

Deno.test("their widths need no padding: four bytes a parameter", () => {
  for (const json of [TINY_LLAMA, SMOL_LM2]) {
    const { parameters, weightBytes } = sizeOf(json);
    assert.equal(weightBytes, 4 * parameters);
  }
});

Deno.test("the cache holds keys and values of the whole context", () => {
  // 22 layers, 2048 tokens, keys and values, 4 heads of 64, 4 bytes.
  assert.equal(sizeOf(TINY_LLAMA).cacheBytes, 92_274_688);
  // 30 layers, 8192 tokens, keys and values, 3 heads of 64, 4 bytes.
  assert.equal(sizeOf(SMOL_LM2).cacheBytes, 377_487_360);
});

Deno.test("padding is counted where widths are odd, tied and untied", () => {
  for (const tied of [false, true]) {
    const config = { ...TINY_CONFIG, tie_word_embeddings: tied };
    const checkpoint = new Map(
      [...tinyTensors(config)].map(([name, { shape, ...tensor }]) => {
        const [columns, rows = 1] = shape.toReversed();
        return [name, { rows, columns, data: toFloat32({ shape, ...tensor } as never) }];
      }),
    );
    const packed = [...packLlama(config, checkpoint).values()];
    const bytes = packed.reduce(
      (sum, { rows, columns }) => sum + rows * 16 * Math.ceil(columns / 4),
      0,
    );
    const size = decoderSize(config, 1);
    assert.equal(size.weightBytes, bytes);
    assert.ok(size.weightBytes > 4 * size.parameters);
  }
});
