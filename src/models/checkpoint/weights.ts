/**
 * The weights of a model folder: `model.safetensors`, or shards with `model.safetensors.index.json`.
 *
 * Headers are read and checked when the folder is opened; a tensor's bytes only when it is asked
 * for, so that a checkpoint larger than memory can be put on a device matrix by matrix.
 */
import { join } from "node:path";
import { isFile } from "../../data/if_there.ts";
import { oneLine, quoted } from "../../data/one_line.ts";
import type { MatrixValues } from "../../nn/matrix_values.ts";
import type { LlamaConfig } from "../llama_config.ts";
import { type Checkpoint, llamaSpecsByName } from "../llama_weights.ts";
import {
  parseSafetensorsHeader,
  safetensorsHeaderEnd,
  tensorOf,
  type TensorPlace,
  toFloat32,
} from "../safetensors.ts";
import { isObject } from "./config.ts";
import { readJson } from "./json_file.ts";

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** A decoder's weights in a folder. */
export interface FolderWeights {
  checkpoint: Checkpoint;
  /** Names of the files that hold them, the index included. */
  files: string[];
}

/** A tensor and the file that it lies in. */
interface Located {
  place: TensorPlace;
  path: string;
}

/**
 * Finds a decoder's weights in a folder and checks names, shapes and element types.
 *
 * A tied decoder's `lm_head.weight` is left unread, and so are the tables of rotations that old
 * checkpoints carry. Any other tensor that the decoder does not have is refused, for a model that has
 * more would compute something else.
 *
 * @throws {Deno.errors.NotFound} If a file is missing; the message names it
 * @throws {TypeError} If a header entry or an element type is wrong
 * @throws {RangeError} If a tensor is missing, superfluous or misshaped, or a file is damaged
 * @throws {SyntaxError} If a header or the index is no JSON
 */
export async function openWeights(dir: string, config: LlamaConfig): Promise<FolderWeights> {
  const { tensors, files } = await locateTensors(dir);
  const specs = llamaSpecsByName(config);
  for (const { name, rows, columns } of specs.values()) {
    const located = tensors.get(name);
    if (!located) {
      throw new RangeError(`Cannot load decoder: tensor "${name}" is missing from "${dir}"`);
    }
    checkTensor(located, rows, columns);
  }
  for (const [name, { path }] of tensors) {
    if (!specs.has(name) && !IGNORED.test(name)) {
      throw new RangeError(
        `Cannot load decoder: tensor ${quoted(name)} of "${path}" has no place in a Llama decoder`,
      );
    }
  }
  return {
    files,
    checkpoint: {
      get(name) {
        const spec = specs.get(name);
        return spec &&
          { ...readMatrix(tensors.get(name)!), rows: spec.rows, columns: spec.columns };
      },
    },
  };
}

const IGNORED = /^lm_head\.weight$|\.rotary_emb\.inv_freq$/;

const NUMBERS: readonly string[] = ["F32", "F16", "BF16"];

function checkTensor({ place, path }: Located, rows: number, columns: number): void {
  const { name, dtype, shape } = place;
  // Gains are vectors in a checkpoint.
  const wanted = rows === 1 ? [columns] : [rows, columns];
  if (shape.join() !== wanted.join()) {
    throw new RangeError(
      `Cannot load decoder: tensor "${name}" of "${path}" is ${quoted(shape)}, not [${wanted}]`,
    );
  }
  if (!NUMBERS.includes(dtype)) {
    throw new TypeError(
      `Cannot load decoder: tensor "${name}" of "${path}" is ${dtype}, not one of ${NUMBERS}`,
    );
  }
}

async function locateTensors(
  dir: string,
): Promise<{ tensors: Map<string, Located>; files: string[] }> {
  const tensors = new Map<string, Located>();
  const single = join(dir, SINGLE);
  if (await isFile(single)) {
    for (const place of readHeader(single)) tensors.set(place.name, { place, path: single });
    return { tensors, files: [SINGLE] };
  }
  const index = await readJson(join(dir, INDEX));
  if (index === null) {
    throw new Deno.errors.NotFound(
      `Cannot load decoder: neither "${SINGLE}" nor "${INDEX}" is in "${dir}"`,
    );
  }
  const shards = shardsOf(index);
  for (const [shard, names] of shards) {
    const path = join(dir, shard);
    const places = new Map(readHeader(path).map((place) => [place.name, place]));
    for (const name of names) {
      const place = places.get(name);
      if (!place) {
        throw new RangeError(
          `Cannot load decoder: "${INDEX}" has tensor ${
            quoted(name)
          } in "${path}", which does not hold it`,
        );
      }
      tensors.set(name, { place, path });
    }
  }
  return { tensors, files: [INDEX, ...shards.keys()].sort() };
}

/**
 * The shards that an index names, with the tensors of each.
 *
 * @throws {TypeError} If the index is no map of names to files in its own folder
 */
export function shardsOf(index: Record<string, unknown>): Map<string, string[]> {
  const map = index.weight_map;
  if (!isObject(map)) throw new TypeError(`Cannot read "${INDEX}": it has no "weight_map"`);
  const shards = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(map)) {
    // Nothing but a file beside the index.
    if (typeof shard !== "string" || !/^[\w-][\w.-]*\.safetensors$/.test(shard)) {
      throw new TypeError(
        `Cannot read "${INDEX}": tensor ${quoted(name)} lies in ${
          quoted(shard)
        }, which is no safetensors file of its folder`,
      );
    }
    shards.set(shard, [...shards.get(shard) ?? [], name]);
  }
  return shards;
}

function readHeader(path: string): TensorPlace[] {
  return withFile(path, (file) => {
    const { size } = file.statSync();
    const start = readBytes(file, 0, Math.min(8, size));
    const end = safetensorsHeaderEnd(start, size);
    return parseSafetensorsHeader(readBytes(file, 0, end), size);
  });
}

function readMatrix({ place, path }: Located): Pick<MatrixValues, "data"> {
  return withFile(path, (file) => {
    const bytes = readBytes(file, place.begin, place.end - place.begin);
    return { data: toFloat32(tensorOf(place, bytes)) };
  });
}

function readBytes(file: Deno.FsFile, begin: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  file.seekSync(begin, Deno.SeekMode.Start);
  for (let filled = 0; filled < length;) {
    const read = file.readSync(bytes.subarray(filled));
    if (read === null) {
      throw new RangeError(`Cannot read ${length} bytes at ${begin}: the file ends before`);
    }
    filled += read;
  }
  return bytes;
}

/** Opens a file for reading; errors about its content name it. */
function withFile<T>(path: string, read: (file: Deno.FsFile) => T): T {
  let file: Deno.FsFile;
  try {
    // A pipe would be waited for.
    if (!Deno.statSync(path).isFile) throw new RangeError("it is no ordinary file");
    file = Deno.openSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`Cannot load decoder: "${path}" does not exist`, { cause });
    }
    throw new RangeError(`Cannot load decoder: "${path}": ${oneLine(cause)}`, { cause });
  }
  try {
    return read(file);
  } catch (cause) {
    for (const type of [SyntaxError, TypeError, RangeError]) {
      if (cause instanceof type) throw new type(`${cause.message}, in "${path}"`, { cause });
    }
    throw cause;
  } finally {
    file.close();
  }
}
