/**
 * Embeddings from a safetensors file: one matrix, written by any framework.
 */
import { oneLine, quoted } from "../data/one_line.ts";
import { readWhole } from "../data/read_whole.ts";
import type { EmbeddingMatrix } from "../evaluation/embedding_matrix.ts";
import { parseSafetensors, type Tensor, toFloat32 } from "../models/safetensors.ts";

/** A matrix, and how messages name it. */
export interface EmbeddingFile {
  matrix: EmbeddingMatrix;
  /** Tensor and file. */
  name: string;
}

const DTYPES = ["F64", "F32", "F16", "BF16"];

/**
 * Reads the one matrix of a file.
 *
 * @throws {TypeError} when the file does not hold exactly one matrix of floating-point numbers
 * @throws {RangeError} when the file is cut short, the matrix has fewer than 2 rows or no column, or
 * a number is not finite
 * @throws {Deno.errors.NotFound} when there is no such file
 */
export async function readEmbeddings(path: string): Promise<EmbeddingFile> {
  const tensors = [...parse(path, await readBytes(path))];
  if (tensors.length !== 1) {
    const names = oneLine(tensors.map(([name]) => quoted(name)).join(", "));
    throw new TypeError(
      `Cannot read embeddings: "${path}" holds ${tensors.length} tensors${
        names && ` (${names})`
      }, it must hold one`,
    );
  }
  const [[tensorName, tensor]] = tensors;
  const name = `tensor ${quoted(tensorName)} of "${path}"`;
  const { dtype, shape } = tensor;
  if (!DTYPES.includes(dtype)) {
    throw new TypeError(`Cannot read embeddings: ${name} is ${dtype}, not ${DTYPES.join(", ")}`);
  }
  if (shape.length !== 2) {
    throw new TypeError(
      `Cannot read embeddings: ${name} has shape ${quoted(shape)}, it must have rows and columns`,
    );
  }
  const [rows, cols] = shape;
  if (rows < 2 || cols < 1) {
    throw new RangeError(
      `Cannot read embeddings: ${name} has shape [${
        shape.join(", ")
      }], it needs 2 rows and 1 column`,
    );
  }
  const data = floats(tensor);
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new RangeError(
      `Cannot read embeddings: ${name} holds ${data[wrong]} in row ${
        Math.floor(wrong / cols)
      }, column ${wrong % cols}`,
    );
  }
  return { matrix: { rows, cols, data }, name };
}

/** Float64 stays; the others fit into float32. */
function floats(tensor: Tensor): Float32Array | Float64Array {
  return tensor.dtype === "F64" ? tensor.data : toFloat32(tensor);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readWhole(path, Infinity);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`Cannot read embeddings: there is no file "${path}"`);
    }
    throw new TypeError(
      `Cannot read embeddings: "${path}" is no readable file (${oneLine(error)})`,
    );
  }
}

function parse(path: string, bytes: Uint8Array): Map<string, Tensor> {
  try {
    return parseSafetensors(bytes);
  } catch (error) {
    // The parser knows bytes alone.
    (error as Error).message = `Cannot read embeddings: "${path}": ${(error as Error).message}`;
    throw error;
  }
}
