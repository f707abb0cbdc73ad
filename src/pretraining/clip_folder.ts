/** A pair of towers as a model folder in Hugging Face layout. */
import { replaceFile } from "../data/replace_file.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import type { ClipConfig } from "../models/clip_config.ts";
import { type Tensor, toFloat32, writeSafetensors } from "../models/safetensors.ts";
import { PIXELS } from "./models.ts";

/** Rounds float tensors to half precision, as they are committed. */
export function toHalfPrecision(weights: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map(
    [...weights].map(([name, tensor]): [string, Tensor] => [
      name,
      { dtype: "F16", shape: tensor.shape, data: Float16Array.from(toFloat32(tensor)) },
    ]),
  );
}

/** The `config.json` of a pair: CLIPConfig. */
function clipConfigJson(config: ClipConfig, tokenizer: Tokenizer): unknown {
  const { vision_config, text_config, ...rest } = config;
  return {
    architectures: ["CLIPModel"],
    model_type: "clip",
    torch_dtype: "float16",
    ...rest,
    vision_config: { model_type: "clip_vision_model", ...vision_config },
    text_config: {
      model_type: "clip_text_model",
      ...text_config,
      bos_token_id: tokenizer.bos,
      eos_token_id: tokenizer.eos,
      pad_token_id: tokenizer.pad,
    },
  };
}

/** The `preprocessor_config.json` of a tower: pictures are resized to a square, not cut. */
function preprocessorJson(side: number): unknown {
  const size = { height: side, width: side };
  return {
    image_processor_type: "CLIPImageProcessor",
    do_convert_rgb: true,
    do_resize: true,
    size,
    // Bilinear, in Pillow's numbering.
    resample: 2,
    do_center_crop: false,
    crop_size: size,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: Array(3).fill(PIXELS.mean),
    image_std: Array(3).fill(PIXELS.deviation),
  };
}

/**
 * Writes configuration, weights and preprocessing of a pair; the tokenizer's own file is written
 * apart from them.
 */
export async function writeClipFolder(
  folder: string,
  config: ClipConfig,
  weights: ReadonlyMap<string, Tensor>,
  tokenizer: Tokenizer,
): Promise<void> {
  const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  await Deno.mkdir(folder, { recursive: true });
  await replaceFile(`${folder}/config.json`, json(clipConfigJson(config, tokenizer)));
  await replaceFile(
    `${folder}/preprocessor_config.json`,
    json(preprocessorJson(config.vision_config.image_size)),
  );
  await replaceFile(
    `${folder}/model.safetensors`,
    writeSafetensors(weights, { format: "pt" }),
  );
}
