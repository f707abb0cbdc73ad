/**
 * Reads a decoder's `config.json` and `generation_config.json` in Hugging Face's layout, and refuses
 * by name what the decoder of this project would compute differently.
 */
import { quoted } from "../../data/one_line.ts";
import { checkLlamaConfig, type LlamaConfig } from "../llama_config.ts";

/** What a model folder says about its decoder. */
export interface DecoderSettings {
  config: LlamaConfig;
  /** Ids that end a text, in the order given; none where the model names none. */
  eos: number[];
  /** Id that begins a text, or null. */
  bos: number | null;
  /** Most tokens of a text, prompt included: `max_position_embeddings`. */
  context: number;
}

/** A parsed JSON object. */
export type JsonObject = Record<string, unknown>;

/** Families whose layers are those of Llama, by `model_type`. */
const FAMILIES: Readonly<Record<string, string>> = {
  llama: "LlamaForCausalLM",
  // Only without its window.
  mistral: "MistralForCausalLM",
};

/**
 * Reads the settings of a decoder.
 *
 * Where both name an end of text, `generation` wins, as in Hugging Face's own generation.
 *
 * @param config the content of `config.json`
 * @param generation the content of `generation_config.json`
 * @throws {TypeError} If a field is missing or of the wrong type
 * @throws {RangeError} If the architecture is not supported; the message names the field
 */
export function readDecoderSettings(
  config: JsonObject,
  generation: JsonObject = {},
): DecoderSettings {
  refuseOthers(config);
  const heads = count(config, "num_attention_heads");
  const hidden = count(config, "hidden_size");
  // The defaults below are Llama's; those of another family differ, so it must state its own.
  const llama = config.model_type === "llama";
  const decoder: LlamaConfig = {
    vocab_size: count(config, "vocab_size"),
    hidden_size: hidden,
    intermediate_size: count(config, "intermediate_size"),
    num_hidden_layers: count(config, "num_hidden_layers", undefined, MOST_LAYERS),
    num_attention_heads: heads,
    num_key_value_heads: count(config, "num_key_value_heads", llama ? heads : undefined),
    head_dim: count(config, "head_dim", hidden / heads),
    rms_norm_eps: positive(config, "rms_norm_eps", 1e-6),
    rope_theta: positive({ ...ropeOf(config), ...given(config, "rope_theta") }, "rope_theta", 1e4),
    tie_word_embeddings: flag(config, "tie_word_embeddings"),
  };
  checkLlamaConfig(decoder);
  const both = { ...given(config, "eos_token_id"), ...given(generation, "eos_token_id") };
  const begin = { ...given(config, "bos_token_id"), ...given(generation, "bos_token_id") };
  return {
    config: decoder,
    eos: ids(both, "eos_token_id", decoder.vocab_size),
    bos: ids(begin, "bos_token_id", decoder.vocab_size)[0] ?? null,
    context: count(config, "max_position_embeddings", llama ? 2048 : undefined),
  };
}

function refuseOthers(config: JsonObject): void {
  const { model_type: type, architectures } = config;
  if (typeof type !== "string" || !Object.hasOwn(FAMILIES, type)) {
    throw new RangeError(
      `Cannot use model: its "model_type" is ${quoted(type)}, supported are ${
        Object.keys(FAMILIES).map((name) => `"${name}"`).join(" and ")
      }`,
    );
  }
  if (architectures !== undefined && architectures !== null) {
    if (!Array.isArray(architectures) || !architectures.includes(FAMILIES[type])) {
      throw new RangeError(
        `Cannot use model: its "architectures" are ${quoted(architectures)}, not "${
          FAMILIES[type]
        }"`,
      );
    }
  }
  if (type === "mistral" && config.sliding_window === undefined) {
    throw new RangeError(
      'Cannot use model: "sliding_window" is absent, which means 4096 in this family',
    );
  }
  for (const [field, accepted] of Object.entries(ONLY)) {
    const value = config[field];
    if (value !== undefined && value !== null && !accepted.includes(value)) refuse(field, value);
  }
  for (const field of ["rope_scaling", "rope_parameters"]) {
    const rope = config[field];
    if (rope === undefined || rope === null) continue;
    if (!isObject(rope)) refuse(field, rope);
    // Early configurations spell it "type".
    const kind = rope.rope_type ?? rope.type ?? "default";
    if (kind !== "default") refuse(`${field}.rope_type`, kind);
    const part = rope.partial_rotary_factor ?? 1;
    if (part !== 1) refuse(`${field}.partial_rotary_factor`, part);
  }
}

/** Fields that must be absent, null, or one of these values. */
const ONLY: Readonly<Record<string, unknown[]>> = {
  hidden_act: ["silu", "swish"],
  attention_bias: [false],
  mlp_bias: [false],
  // Attention to a window of the last tokens only.
  sliding_window: [],
  partial_rotary_factor: [1],
  // Pairs of neighbours instead of halves of a head.
  rope_interleaved: [false],
  // Weights that are not plain numbers.
  quantization_config: [],
};

function refuse(field: string, value: unknown): never {
  throw new RangeError(`Cannot use model: "${field}" ${quoted(value)} is not supported`);
}

/** The rotation's own object, where newer configurations keep theta. */
const ropeOf = ({ rope_parameters: rope }: JsonObject): JsonObject => isObject(rope) ? rope : {};

/** A field as an object of its own, empty where it is absent or null. */
const given = (config: JsonObject, field: string): JsonObject =>
  config[field] === undefined || config[field] === null ? {} : { [field]: config[field] };

function positive(config: JsonObject, field: string, otherwise?: number): number {
  const value = config[field] ?? otherwise;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new TypeError(
      `Cannot use model: "${field}" is ${quoted(value)}, not a positive number`,
    );
  }
  return value;
}

/** No size of a model comes near. */
const MOST = 2 ** 24;

/** Nor so many layers, with which work grows before a file of weights is looked for. */
const MOST_LAYERS = 2 ** 12;

function count(config: JsonObject, field: string, otherwise?: number, most = MOST): number {
  const value = positive(config, field, otherwise);
  if (!Number.isSafeInteger(value) || value > most) {
    throw new TypeError(
      `Cannot use model: "${field}" is ${value}, not a whole number up to ${most}`,
    );
  }
  return value;
}

function flag(config: JsonObject, field: string): boolean {
  const value = config[field] ?? false;
  if (typeof value !== "boolean") {
    throw new TypeError(`Cannot use model: "${field}" is ${quoted(value)}, not a boolean`);
  }
  return value;
}

function ids(config: JsonObject, field: string, vocabulary: number): number[] {
  const value = config[field] ?? [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  for (const id of list) {
    if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) >= vocabulary) {
      throw new RangeError(
        `Cannot use model: "${field}" ${quoted(id)} is no id of its ${vocabulary} tokens`,
      );
    }
  }
  return list as number[];
}

/** Whether a parsed value is an object with fields. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
