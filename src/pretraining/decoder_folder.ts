/** A decoder as a model folder in Hugging Face layout. */
import { replaceFile } from "../data/replace_file.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import { type Tensor, writeSafetensors } from "../models/safetensors.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";

/** Most tokens of a sequence that it was trained on, rounded up. */
const CONTEXT = 256;

/** The `config.json` of a decoder: LlamaConfig. */
function decoderConfigJson(config: LlamaConfig, tokenizer: Tokenizer): unknown {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    torch_dtype: "float16",
    ...config,
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    rope_scaling: null,
    max_position_embeddings: CONTEXT,
    bos_token_id: tokenizer.bos,
    eos_token_id: tokenizer.eos,
    pad_token_id: tokenizer.pad,
  };
}

/** Rounds a decoder's weights to half precision, as they are committed. */
function halfPrecision(
  weights: ReadonlyMap<string, MatrixValues>,
): [string, Tensor][] {
  return [...weights].map(([name, { rows, columns, data }]) => [name, {
    dtype: "F16",
    // Gains are vectors in a checkpoint.
    shape: rows === 1 ? [columns] : [rows, columns],
    data: Float16Array.from(data),
  }]);
}

/** Writes configuration, weights and tokenizer of a decoder. */
export async function writeDecoderFolder(
  folder: string,
  config: LlamaConfig,
  weights: ReadonlyMap<string, MatrixValues>,
  tokenizer: Tokenizer,
): Promise<void> {
  const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  const { tokenizer: tokenizerJson, config: tokenizerConfig } = tokenizerFiles(tokenizer);
  await Deno.mkdir(folder, { recursive: true });
  const files: Record<string, string | Uint8Array> = {
    "config.json": json(decoderConfigJson(config, tokenizer)),
    "generation_config.json": json({
      bos_token_id: tokenizer.bos,
      eos_token_id: tokenizer.eos,
      pad_token_id: tokenizer.pad,
    }),
    "tokenizer.json": json(tokenizerJson),
    "tokenizer_config.json": json(tokenizerConfig),
    "model.safetensors": writeSafetensors(halfPrecision(weights), { format: "pt" }),
  };
  for (const [name, content] of Object.entries(files)) {
    await replaceFile(`${folder}/${name}`, content);
  }
}
