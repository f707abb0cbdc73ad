/**
 * A CLIP pair: vision tower and text tower, their inputs, and how they are traced.
 *
 * `clip_training_step.ts` and `clip_features.ts` make programs of it.
 */
import type { Engine } from "../gpu/engine.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { readParameters, tensorsOf } from "../nn/matrix_values.ts";
import { createParameters, freeParameters, type Parameter } from "../nn/parameters.ts";
import type { Tape } from "../tensor/tape.ts";
import { checkClipConfig, type ClipConfig } from "./clip_config.ts";
import type { ClipWeights } from "./clip_layers.ts";
import {
  createTextInputs,
  destroyTextInputs,
  type TextInputs,
  textPooled,
  textProjection,
  writeTexts,
} from "./clip_text.ts";
import {
  createVisionInputs,
  destroyVisionInputs,
  type VisionInputs,
  visionPooled,
  visionProjection,
  visionStates,
  writePixels,
} from "./clip_vision.ts";
import {
  clipPairParts,
  type ClipParts,
  drawClip,
  LOGIT_SCALE,
  packClip,
  unpackClip,
} from "./clip_weights.ts";
import type { Tensor as StoredTensor } from "./safetensors.ts";

/** What a pair is made of. */
export interface ClipPairOptions {
  config: ClipConfig;
  /** Pictures and captions a batch. */
  batch: number;
  /** Tokens of a caption. */
  textLength: number;
  seed: number;
  /** Weights to start from, in place of drawn ones. */
  checkpoint?: ReadonlyMap<string, StoredTensor>;
}

/** Parameters on the device, shared by all programs of a pair. */
export interface ClipPair {
  engine: Engine;
  config: ClipConfig;
  batch: number;
  parameters: Parameter[];
  vision: VisionInputs;
  text: TextInputs;
}

/**
 * Makes a pair, with weights drawn as `clip_weights.ts` says and the logits' scale of the configuration.
 *
 * @throws {RangeError} If sizes do not fit each other, or a checkpoint does not fit them.
 */
export function createClipPair(engine: Engine, options: ClipPairOptions): ClipPair {
  const { batch, textLength, seed } = options;
  const config = checkClipConfig(options.config);
  const parts = clipPairParts(config);
  const checkpoint = options.checkpoint ?? firstValues(parts, config, seed);
  const packed = [...packClip(parts, checkpoint)];
  // First, for it refuses captions that are too long.
  const text = createTextInputs(engine, config.text_config, batch, textLength);
  const vision = createVisionInputs(engine, config.vision_config, batch);
  const parameters = createParameters(
    engine,
    packed.map(([name, { rows, columns, data }]) => ({ name, rows, columns, values: data })),
  );
  return { engine, config, batch, parameters, vision, text };
}

function firstValues(
  parts: ClipParts,
  config: ClipConfig,
  seed: number,
): Map<string, StoredTensor> {
  const data = Float32Array.of(config.logit_scale_init_value);
  return drawClip(parts, seed).set(LOGIT_SCALE, { dtype: "F32", shape: [], data });
}

/**
 * Uploads the pictures of a batch.
 *
 * @param pixels (B, 3, S, S), normalised
 */
export function writePictures({ engine, config, vision }: ClipPair, pixels: Float32Array): void {
  writePixels(engine, config.vision_config, vision, pixels);
}

/**
 * Uploads the captions of a batch: caption i belongs to picture i.
 *
 * @param ids (B, T)
 * @param ends Position of each caption's end token: (B)
 */
export function writeCaptions(
  { engine, config, text }: ClipPair,
  ids: Int32Array,
  ends: Int32Array,
): void {
  writeTexts(engine, config.text_config, text, ids, ends);
}

/** Kernel matrices by name. */
export function pairWeights({ parameters }: ClipPair): ClipWeights {
  return tensorsOf(parameters);
}

/** Features of the pictures and captions that were written, not normalised: (B, projection_dim). */
export function traceFeatures(tape: Tape, pair: ClipPair): { images: Tensor; texts: Tensor } {
  const { config: { vision_config, text_config }, vision, text } = pair;
  const weights = pairWeights(pair);
  const last = visionStates(tape, vision_config, weights, vision).at(-1)!;
  const pooled = visionPooled(tape, vision_config, weights, vision, last);
  const pooledText = textPooled(tape, text_config, weights, text);
  return {
    images: visionProjection(tape, weights, pooled),
    texts: textProjection(tape, weights, pooledText),
  };
}

/** Weights in Hugging Face's names and shapes, as CLIPModel keeps them. Waits for the queue. */
export async function readClipWeights(
  { engine, config, parameters }: ClipPair,
): Promise<Map<string, StoredTensor>> {
  return unpackClip(clipPairParts(config), await readParameters(engine, parameters));
}

/** Frees parameters and inputs. */
export function destroyClipPair({ engine, parameters, vision, text }: ClipPair): void {
  freeParameters(engine, parameters);
  destroyVisionInputs(engine, vision);
  destroyTextInputs(engine, text);
}
