/**
 * Features that were computed elsewhere, read from safetensors files: one tensor (tokens, width) a
 * picture, under the picture's id.
 */
import { join } from "node:path";
import type { Image } from "../data/dataset.ts";
import { oneLine, quoted } from "../data/one_line.ts";
import { readWhole } from "../data/read_whole.ts";
import { sha256 } from "../data/sha256.ts";
import { parseSafetensors, type Tensor, toFloat32 } from "../models/safetensors.ts";
import type { Encoder } from "./encoder.ts";

/**
 * Reads every `*.safetensors` of a folder. All tensors have one shape; their elements are F32, F16 or
 * BF16, and are given as float32.
 *
 * @throws {RangeError} when the folder has no such file, an id is there twice, shapes differ, or a number is not finite
 * @throws {TypeError} when a tensor is no matrix of such elements
 */
export async function precomputedEncoder(dir: string): Promise<Encoder> {
  const fail = (reason: string) => `Cannot load features of "${dir}": ${reason}`;
  const features = new Map<string, Tensor>();
  const digests: string[] = [];
  let first: { id: string; shape: number[] } | undefined;
  for (const file of await filesOf(dir)) {
    const bytes = await readWhole(join(dir, file), Infinity).catch((error) => {
      throw new RangeError(fail(`"${file}" cannot be read: ${oneLine(error)}`), { cause: error });
    });
    digests.push(sha256(bytes));
    for (const [id, tensor] of parse(bytes, (reason) => fail(`${reason}, in "${file}"`))) {
      const { dtype, shape } = tensor;
      const picture = `picture ${quoted(id)} in "${file}"`;
      if (features.has(id)) throw new RangeError(fail(`${picture} is there twice`));
      if (!FLOATS.includes(dtype) || shape.length !== 2 || shape.includes(0)) {
        throw new TypeError(
          fail(
            `${picture} is ${dtype} ${quoted(shape)}, not [tokens, width] of ${FLOATS.join(", ")}`,
          ),
        );
      }
      first ??= { id, shape };
      if (shape.join() !== first.shape.join()) {
        throw new RangeError(
          fail(`${picture} has shape [${shape}], "${first.id}" has [${first.shape}]`),
        );
      }
      const wrong = toFloat32(tensor).findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0) {
        const [row, column] = [Math.floor(wrong / shape[1]), wrong % shape[1]];
        throw new RangeError(
          fail(`${picture} holds a number that is not finite in token ${row}, column ${column}`),
        );
      }
      features.set(id, tensor);
    }
  }
  if (!first) throw new RangeError(fail("its files hold no tensor"));
  const [tokens, width] = first.shape;
  return {
    name: "features",
    description: `features computed elsewhere, ${features.size} pictures`,
    tokens,
    width,
    contentHash: sha256(JSON.stringify(["features", 1, digests])),
    encode(_images: Image[], ids: string[]) {
      const encoded = new Float32Array(ids.length * tokens * width);
      ids.forEach((id, index) => {
        const found = features.get(id);
        if (!found) throw new RangeError(fail(`there is no picture ${quoted(id)}`));
        encoded.set(toFloat32(found), index * tokens * width);
      });
      return Promise.resolve(encoded);
    },
  };
}

const FLOATS: readonly string[] = ["F32", "F16", "BF16"];

async function filesOf(dir: string): Promise<string[]> {
  const files: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(dir)) {
      if (name.endsWith(".safetensors") && !isDirectory) files.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new RangeError(`Cannot load features of "${dir}": there is no such folder`);
  }
  if (files.length === 0) {
    throw new RangeError(`Cannot load features of "${dir}": it has no .safetensors file`);
  }
  return files.sort();
}

function parse(bytes: Uint8Array, fail: (reason: string) => string): Map<string, Tensor> {
  try {
    return parseSafetensors(bytes);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    error.message = fail(error.message);
    throw error;
  }
}
