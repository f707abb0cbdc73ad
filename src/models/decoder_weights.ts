/** A decoder's weights on the device, for use without training. */
import { weightTensor, writeTensor } from "../gpu/bands.ts";
import type { Engine } from "../gpu/engine.ts";
import { freeTensor } from "../gpu/tensor.ts";
import type { LlamaWeights } from "./llama.ts";
import type { LlamaConfig } from "./llama_config.ts";
import { type Checkpoint, packedMatrices } from "./llama_weights.ts";

/**
 * Puts a checkpoint's weights on the device, one kernel matrix after the other, so that the host
 * holds one at a time. Free them with {@linkcode freeDecoder}.
 *
 * @param most Rows of a matrix, a multiple of four; as the adapter's limits allow when absent
 * @throws {RangeError} If a tensor is missing or misshaped, or the adapter cannot hold it
 */
export function uploadDecoder(
  engine: Engine,
  config: LlamaConfig,
  checkpoint: Checkpoint,
  most?: number,
): LlamaWeights {
  const weights = new Map<string, ReturnType<typeof weightTensor>>();
  for (const [name, { data, ...shape }] of packedMatrices(config, checkpoint)) {
    const tensor = weightTensor(engine, name, shape, false, most);
    writeTensor(engine, tensor, data);
    // What was written waits in host memory for the next submit.
    engine.device.queue.submit([]);
    weights.set(name, tensor);
  }
  return weights;
}

/** Frees the weights of {@linkcode uploadDecoder}. */
export function freeDecoder(engine: Engine, weights: LlamaWeights): void {
  for (const tensor of weights.values()) freeTensor(engine, tensor);
}
