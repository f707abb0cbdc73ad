/**
 * Checkpoints: a training state in one safetensors file, with what it belongs to as metadata.
 *
 * Matrices are float32 as they stand on the device, so training goes on from a checkpoint as if it
 * had never stopped, bit for bit.
 */
import { createHash } from "node:crypto";
import { ifThere } from "../data/if_there.ts";
import { namingFile } from "../data/naming_file.ts";
import { replaceFile } from "../data/replace_file.ts";
import { matrixTensors, parseMatrices } from "../models/matrix_file.ts";
import { parseSafetensorsMetadata, writeSafetensors } from "../models/safetensors.ts";
import type { TrainingState } from "../nn/training_state.ts";

/** Writes a checkpoint, whole or not at all. */
export async function saveCheckpoint(
  path: string,
  state: TrainingState,
  metadata: Record<string, string>,
): Promise<void> {
  const sha256 = checksum(state, metadata);
  await replaceFile(path, writeSafetensors(matrixTensors(state), { ...metadata, sha256 }));
}

/** SHA-256 over metadata and matrices. */
function checksum(state: TrainingState, metadata: Record<string, string>): string {
  const hash = createHash("sha256");
  const fields = Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1);
  hash.update(JSON.stringify(fields));
  for (const name of [...state.keys()].sort()) {
    const { rows, columns, data } = state.get(name)!;
    hash.update(JSON.stringify([name, rows, columns]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/**
 * Reads a checkpoint; null where there is none.
 *
 * @throws {SyntaxError | TypeError | RangeError} If the file is damaged; the message names it.
 */
export async function loadCheckpoint(
  path: string,
): Promise<{ state: TrainingState; metadata: Record<string, string> } | null> {
  const bytes = await ifThere(Deno.readFile(path));
  if (bytes === null) return null;
  return await namingFile(path, () => {
    const state = parseMatrices(bytes);
    const { sha256, ...metadata } = parseSafetensorsMetadata(bytes);
    if (checksum(state, metadata) !== sha256) {
      throw new SyntaxError("Cannot read checkpoint: its checksum is another");
    }
    return { state, metadata };
  });
}
