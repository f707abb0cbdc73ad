/** A small Llama checkpoint in Hugging Face's layout, for tests that change it. */
import { join } from "node:path";
import type { LlamaConfig } from "../models/llama_config.ts";
import { llamaSpecs } from "../models/llama_weights.ts";
import { type Tensor, writeSafetensors } from "../models/safetensors.ts";
import { drawValues } from "../nn/parameters.ts";
import { inTempFolder } from "./temp_folder.ts";

/** A decoder of two layers with odd sizes. */
export const TINY_CONFIG: LlamaConfig = {
  vocab_size: 23,
  hidden_size: 12,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: false,
};

/** Its `config.json`. */
export const TINY_CONFIG_JSON = {
  ...TINY_CONFIG,
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_act: "silu",
  max_position_embeddings: 32,
  bos_token_id: 1,
  eos_token_id: [2, 5],
};

/** Its tensors as float32, drawn from the seed. */
export function tinyTensors(config: LlamaConfig = TINY_CONFIG, seed = 1): Map<string, Tensor> {
  return new Map(
    llamaSpecs(config).map((spec) => [spec.name, {
      dtype: "F32",
      shape: spec.rows === 1 ? [spec.columns] : [spec.rows, spec.columns],
      data: new Float32Array(drawValues(seed, spec)),
    }]),
  );
}

/** The same tensors with a head to which one of the last two tokens is always likeliest. */
export function choosingLast(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const { shape } = tensors.get("lm_head.weight")!;
  const [rows, columns] = shape;
  // The product of any state with one of the two is above 0.
  const data = new Float32Array(rows * columns)
    .fill(-1, (rows - 2) * columns)
    .fill(1, (rows - 1) * columns);
  return new Map([...tensors, ["lm_head.weight", { dtype: "F32", shape, data }]]);
}

/** Writes JSON and tensor files into a new folder, runs the test there and removes it. */
export async function withModelFolder(
  files: Readonly<Record<string, unknown>>,
  test: (dir: string) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (dir) => {
    for (const [name, content] of Object.entries(files)) {
      const bytes = content instanceof Map
        ? writeSafetensors(content)
        : content instanceof Uint8Array
        ? content
        : new TextEncoder().encode(JSON.stringify(content));
      await Deno.writeFile(join(dir, name), bytes);
    }
    await test(dir);
  });
}
