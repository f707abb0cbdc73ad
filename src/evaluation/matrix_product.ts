/**
 * Products of large matrices in float64: C = A B^T, where the rows of A and B are rows or columns
 * of embedding matrices, centred if need be.
 *
 * Blocked as in Goto and van de Geijn, Anatomy of high-performance matrix multiplication (ACM TOMS
 * 34, 2008): both factors are packed into panels, so that the inner loop reads memory in order.
 */
import { checked, type EmbeddingMatrix } from "./embedding_matrix.ts";
import { productKernel, TILE_COLUMNS, TILE_ROWS } from "./product_kernel.ts";

/** A list of vectors of one length, as they lie in a matrix. */
export interface Vectors {
  /** How many there are. */
  count: number;
  /** Numbers of a vector. */
  depth: number;
  data: Float32Array | Float64Array;
  /** Place of number k of vector i: start + i stride + k step. */
  start: number;
  stride: number;
  step: number;
  /** What is taken off: of number k of vector i, shift[i shiftStride + k shiftStep]. */
  shift?: Float64Array;
  shiftStride: number;
  shiftStep: number;
}

/** The rows of a matrix, minus `means` (one a column) where they are given. */
export function rowsOf(matrix: EmbeddingMatrix, means?: Float64Array): Vectors {
  const { rows, cols, data } = checked(matrix);
  return {
    count: rows,
    depth: cols,
    data,
    start: 0,
    stride: cols,
    step: 1,
    shift: means,
    shiftStride: 0,
    shiftStep: 1,
  };
}

/** The columns of a matrix, of its rows from `from` to before `to`, minus `means`. */
export function columnsOf(
  matrix: EmbeddingMatrix,
  means?: Float64Array,
  from = 0,
  to: number = matrix.rows,
): Vectors {
  const { cols, data } = checked(matrix);
  return {
    count: cols,
    depth: to - from,
    data,
    start: from * cols,
    stride: 1,
    step: cols,
    shift: means,
    shiftStride: 1,
    shiftStep: 0,
  };
}

/** Steps that are packed at a time, and panels of A that stay in the cache beside one of B. */
const DEPTH = 256, PANELS = 64;
const PAGE = 65536, NUMBER = 8;

/**
 * Dot products of every vector of A with every one of B, (a.count, b.count), row-major.
 *
 * @throws {RangeError} when the lengths of the vectors differ
 */
export function products(a: Vectors, b: Vectors): Float64Array {
  if (a.depth !== b.depth) {
    throw new RangeError(`Cannot multiply: vectors have ${a.depth} and ${b.depth} numbers`);
  }
  return multiply(a, b, () => Math.ceil(a.count / TILE_ROWS));
}

/** Dot products of every pair of vectors, (count, count): symmetric, and half the work. */
export function gramMatrix(vectors: Vectors): Float64Array {
  const size = vectors.count;
  // Tiles that lie wholly below the diagonal are left out.
  const gram = multiply(
    vectors,
    vectors,
    (panel) => Math.ceil(Math.min(size, (panel + 1) * TILE_COLUMNS) / TILE_ROWS),
  );
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) gram[i * size + j] = gram[j * size + i];
  }
  return gram;
}

/** @param tilesOf how many tiles, from the top, of a column of tiles are computed */
function multiply(a: Vectors, b: Vectors, tilesOf: (panel: number) => number): Float64Array {
  const aPanels = Math.ceil(a.count / TILE_ROWS), bPanels = Math.ceil(b.count / TILE_COLUMNS);
  const most = Math.min(DEPTH, a.depth), tile = TILE_ROWS * TILE_COLUMNS;
  const bAt = aPanels * TILE_ROWS * most, tilesAt = bAt + bPanels * TILE_COLUMNS * most;
  const numbers = tilesAt + aPanels * bPanels * tile;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(numbers * NUMBER / PAGE) });
  const kernel = productKernel(memory), values = new Float64Array(memory.buffer);
  for (let from = 0; from < a.depth; from += DEPTH) {
    const depth = Math.min(DEPTH, a.depth - from);
    pack(a, from, depth, TILE_ROWS, values.subarray(0, bAt));
    pack(b, from, depth, TILE_COLUMNS, values.subarray(bAt, tilesAt));
    for (let first = 0; first < aPanels; first += PANELS) {
      for (let panel = 0; panel < bPanels; panel++) {
        const count = Math.min(PANELS, tilesOf(panel) - first);
        if (count < 1) continue;
        kernel(
          first * TILE_ROWS * depth * NUMBER,
          (bAt + panel * TILE_COLUMNS * depth) * NUMBER,
          (tilesAt + (panel * aPanels + first) * tile) * NUMBER,
          depth,
          count,
        );
      }
    }
  }
  const result = new Float64Array(a.count * b.count);
  for (let i = 0; i < a.count; i++) {
    const row = tilesAt + Math.floor(i / TILE_ROWS) * tile + i % TILE_ROWS * TILE_COLUMNS;
    for (let panel = 0; panel < bPanels; panel++) {
      const at = row + panel * aPanels * tile, first = panel * TILE_COLUMNS;
      const last = Math.min(TILE_COLUMNS, b.count - first);
      for (let j = 0; j < last; j++) result[i * b.count + first + j] = values[at + j];
    }
  }
  return result;
}

/** Panels of `width` vectors, number by number; missing vectors are zero. */
function pack(
  { count, data, start, stride, step, shift, shiftStride, shiftStep }: Vectors,
  from: number,
  depth: number,
  width: number,
  panels: Float64Array,
): void {
  for (let first = 0, at = 0; first < count; first += width) {
    for (let k = from; k < from + depth; k++) {
      for (let i = first; i < first + width; i++, at++) {
        panels[at] = i >= count ? 0 : data[start + i * stride + k * step] -
          (shift ? shift[i * shiftStride + k * shiftStep] : 0);
      }
    }
  }
}
