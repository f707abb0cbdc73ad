/**
 * What a run leaves behind: a folder with `projector.safetensors` (P1 and P2, names as in PyTorch),
 * the adapters in PEFT's layout where there are some, and `decoder.safetensors` in checkpoint
 * layout where the decoder was trained.
 */
import { join } from "node:path";
import { ifThere, isThere } from "../data/if_there.ts";
import { namingFile } from "../data/naming_file.ts";
import { replaceFile } from "../data/replace_file.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import { matrixTensors, parseMatrices } from "../models/matrix_file.ts";
import type { ModelWeights } from "../models/multimodal.ts";
import { ADAPTER_CONFIG, loadPeft, savePeft } from "../models/peft.ts";
import { writeSafetensors } from "../models/safetensors.ts";
import type { LoraConfig } from "../nn/lora.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";

const PROJECTOR = "projector.safetensors";
const DECODER = "decoder.safetensors";

/** Writes the weights of a run into a folder, which is made. */
export async function saveWeights(
  folder: string,
  { connector, objective, decoder, lora }: ModelWeights,
  about: { lora: LoraConfig; baseModel: string },
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await replaceFile(join(folder, PROJECTOR), encode(new Map([...connector, ...objective])));
  if (decoder) await replaceFile(join(folder, DECODER), encode(decoder));
  if (lora) await savePeft(folder, { ...about, weights: lora });
}

/**
 * Reads the weights of a run.
 *
 * @param config The decoder's, which adapters must fit.
 * @throws {RangeError} If the folder holds no projector, or something does not fit.
 * @throws {SyntaxError | TypeError | RangeError} If a file is damaged; the message names it.
 */
export async function loadWeights(folder: string, config: LlamaConfig): Promise<ModelWeights> {
  const projector = await decode(join(folder, PROJECTOR));
  if (!projector) {
    throw new RangeError(`Cannot load run: "${folder}" has no "${PROJECTOR}"`);
  }
  const part = (isP1: boolean) =>
    new Map([...projector].filter(([name]) => name.startsWith("P1.") === isP1));
  const weights: ModelWeights = { connector: part(true), objective: part(false) };
  const decoder = await decode(join(folder, DECODER));
  if (decoder) weights.decoder = decoder;
  if (await isThere(join(folder, ADAPTER_CONFIG))) {
    weights.lora = (await loadPeft(folder, config)).weights;
  }
  return weights;
}

/** Whether a folder holds the weights of a run. */
export function hasWeights(folder: string): Promise<boolean> {
  return isThere(join(folder, PROJECTOR));
}

function encode(matrices: ReadonlyMap<string, MatrixValues>): Uint8Array {
  return writeSafetensors(matrixTensors(matrices));
}

/** Null where there is no such file. */
async function decode(path: string): Promise<Map<string, MatrixValues> | null> {
  const bytes = await ifThere(Deno.readFile(path));
  return bytes && await namingFile(path, () => parseMatrices(bytes));
}
