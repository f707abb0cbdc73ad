/**
 * Between the matrices of a checkpoint and those that kernels use: where each row and column of a
 * checkpoint's matrix lies in a kernel's. What no one fills stays zero.
 */
import type { MatrixValues } from "../nn/matrix_values.ts";

/** A checkpoint's matrix as part of a kernel's. */
export interface MatrixPart {
  /** Its name in the checkpoint. */
  name: string;
  /** Row in the kernel's matrix of each of its rows. */
  rows: readonly number[];
  /** The same for columns; null where they are as they are. */
  columns: readonly number[] | null;
}

/** A kernel's matrix and what it is made of. */
export interface MatrixLayout {
  name: string;
  rows: number;
  columns: number;
  parts: MatrixPart[];
}

/** `count` places one after another, from `first`. */
export function placesFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** A checkpoint's matrix that is a kernel's as it is. */
export function wholeLayout(name: string, rows: number, columns: number): MatrixLayout {
  return { name, rows, columns, parts: [{ name, rows: placesFrom(0, rows), columns: null }] };
}

/** Gathers kernel matrices from a checkpoint that has all of their parts. */
export function packMatrices<Matrix extends MatrixValues>(
  layouts: readonly MatrixLayout[],
  checkpoint: ReadonlyMap<string, Matrix>,
): Map<string, MatrixValues> {
  return new Map(layouts.map(({ name, rows, columns, parts }) => {
    const data = new Float32Array(rows * columns);
    for (const part of parts) {
      const from = checkpoint.get(part.name)!;
      part.rows.forEach((row, index) => {
        const values = from.data.subarray(index * from.columns, (index + 1) * from.columns);
        if (!part.columns) data.set(values, row * columns);
        else part.columns.forEach((column, i) => data[row * columns + column] = values[i]);
      });
    }
    return [name, { rows, columns, data }];
  }));
}

/**
 * The inverse of {@linkcode packMatrices}, also for gradients; a part whose kernel matrix is missing
 * is left out.
 */
export function unpackMatrices(
  layouts: readonly MatrixLayout[],
  kernelMatrices: ReadonlyMap<string, MatrixValues>,
): Map<string, MatrixValues> {
  const checkpoint = new Map<string, MatrixValues>();
  for (const { name, columns, parts } of layouts) {
    const matrix = kernelMatrices.get(name);
    if (!matrix) continue;
    for (const part of parts) {
      const width = part.columns?.length ?? columns;
      const data = new Float32Array(part.rows.length * width);
      part.rows.forEach((row, index) => {
        const values = matrix.data.subarray(row * columns, (row + 1) * columns);
        if (!part.columns) data.set(values, index * width);
        else part.columns.forEach((column, i) => data[index * width + i] = values[column]);
      });
      checkpoint.set(part.name, { rows: part.rows.length, columns: width, data });
    }
  }
  return checkpoint;
}
