/**
 * Configurations of CLIP models (arXiv 2103.00020), in the names of Hugging Face's `config.json`.
 *
 * A field that a file leaves out has the default of CLIPVisionConfig or CLIPTextConfig
 * (https://huggingface.co/docs/transformers/model_doc/clip), as there.
 */
import { z } from "zod";
import { quoted } from "../data/one_line.ts";
import type { GeluForm } from "../tensor/gelu.ts";
import type { HeadLayout } from "../tensor/heads.ts";

/** No size of a model comes near, and work grows with layers and pixels before weights are looked for. */
const count = z.number().int().min(1).max(2 ** 24);
const layers = count.max(2 ** 12);
const side = count.max(2 ** 13);

const tower = {
  hidden_act: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
  projection_dim: count.default(512),
};

const visionSchema = z.object({
  ...tower,
  hidden_size: count.default(768),
  intermediate_size: count.default(3072),
  num_hidden_layers: layers.default(12),
  num_attention_heads: count.default(12),
  num_channels: z.literal(3).default(3),
  image_size: side.default(224),
  patch_size: side.default(32),
});

const textSchema = z.object({
  ...tower,
  hidden_size: count.default(512),
  intermediate_size: count.default(2048),
  num_hidden_layers: layers.default(12),
  num_attention_heads: count.default(8),
  vocab_size: count.default(49408),
  max_position_embeddings: count.default(77),
});

const pairSchema = z.object({
  projection_dim: count.default(512),
  // ln(1 / 0.07), section 2.5 of the paper.
  logit_scale_init_value: z.number().default(2.6592),
  vision_config: visionSchema.prefault({}),
  text_config: textSchema.prefault({}),
});

/** Shape and constants of a tower's layers. */
export interface ClipTowerConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  /** x sigmoid(1.702 x), or the exact GELU. */
  hidden_act: "quick_gelu" | "gelu";
  layer_norm_eps: number;
  /** Width of the features that are compared. */
  projection_dim: number;
}

/** A vision tower: CLIPVisionConfig. */
export interface ClipVisionConfig extends ClipTowerConfig {
  num_channels: 3;
  /** Side of a picture, pixels. */
  image_size: number;
  /** Side of a patch, pixels. */
  patch_size: number;
}

/** A text tower: CLIPTextConfig. */
export interface ClipTextConfig extends ClipTowerConfig {
  vocab_size: number;
  max_position_embeddings: number;
}

/** Both towers: CLIPConfig. */
export interface ClipConfig {
  /** Width of the features of both towers; those of the nested configurations do not count. */
  projection_dim: number;
  logit_scale_init_value: number;
  vision_config: ClipVisionConfig;
  text_config: ClipTextConfig;
}

/** Values of `model_type` that hold a vision tower. */
const VISION_TYPES = ["clip_vision_model", "clip"];

/** Whether a parsed `config.json` says that it is a CLIP model with a vision tower. */
export function isClipConfig(json: unknown): boolean {
  return VISION_TYPES.includes((json as { model_type?: string } | null)?.model_type ?? "");
}

/**
 * The vision tower of a parsed `config.json`, of a vision model alone or of a pair.
 *
 * @throws {TypeError} If a field is wrong, naming it.
 * @throws {RangeError} If sizes do not fit each other.
 */
export function parseClipVisionConfig(json: unknown): ClipVisionConfig {
  if ((json as { model_type?: string } | null)?.model_type !== "clip") {
    return checkVision(parse(visionSchema, json, "vision tower"));
  }
  const { projection_dim, vision_config } = parseClipConfig(json);
  return { ...vision_config, projection_dim };
}

/**
 * A parsed `config.json` of a pair.
 *
 * @throws {TypeError} If a field is wrong, naming it.
 * @throws {RangeError} If sizes do not fit each other.
 */
export function parseClipConfig(json: unknown): ClipConfig {
  return checkClipConfig(parse(pairSchema, json, "model"));
}

/**
 * Checks that a configuration describes a pair that can be built.
 *
 * @throws {RangeError} If sizes do not fit each other.
 */
export function checkClipConfig(config: ClipConfig): ClipConfig {
  checkVision(config.vision_config);
  checkHeads(config.text_config, "text");
  return config;
}

function checkVision(config: ClipVisionConfig): ClipVisionConfig {
  checkHeads(config, "vision");
  const { image_size: size, patch_size: patch } = config;
  if (size % patch !== 0) {
    throw new RangeError(
      `Cannot build CLIP vision tower: patch_size ${patch} does not divide image_size ${size}`,
    );
  }
  return config;
}

function checkHeads({ hidden_size, num_attention_heads }: ClipTowerConfig, tower: string): void {
  if (hidden_size % num_attention_heads !== 0) {
    throw new RangeError(
      `Cannot build CLIP ${tower} tower: hidden_size ${hidden_size} is no multiple of ${num_attention_heads} attention heads`,
    );
  }
}

function parse<Output>(schema: z.ZodType<Output>, json: unknown, what: string): Output {
  const result = schema.safeParse(json, { reportInput: true });
  if (result.success) return result.data;
  const [{ path, message, input }] = result.error.issues;
  const field = path.length > 0 ? ` "${path.join(".")}" is ${quoted(input)}:` : "";
  throw new TypeError(`Cannot read configuration of CLIP ${what}:${field} ${message}`);
}

/** Heads as the kernels see them: each padded to a multiple of four. */
export function clipHeads(
  { hidden_size, num_attention_heads: heads }: ClipTowerConfig,
): HeadLayout {
  const headDim = hidden_size / heads;
  return { heads, kvHeads: heads, headDim, headWidth: 4 * Math.ceil(headDim / 4) };
}

/** The form of GELU that a tower has. */
export function clipGelu({ hidden_act }: ClipTowerConfig): GeluForm {
  return hidden_act === "gelu" ? "exact" : "quick";
}

/** Patches along a picture's side. */
export function patchesPerSide({ image_size, patch_size }: ClipVisionConfig): number {
  return image_size / patch_size;
}

/** Tokens of a picture: the class token and its patches. */
export function visionTokens(config: ClipVisionConfig): number {
  return 1 + patchesPerSide(config) ** 2;
}
