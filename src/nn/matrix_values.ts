/** Matrices on the host: drawn, read from a file, or read back from the device. */
import { readTensor } from "../gpu/bands.ts";
import type { Engine } from "../gpu/engine.ts";
import type { Shape } from "../gpu/memory.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Parameter } from "./parameters.ts";

/** Numbers of a matrix, row-major. */
export interface MatrixValues extends Shape {
  data: Float32Array;
}

/** A matrix of zeros. */
export function zeroMatrix({ rows, columns }: Shape): MatrixValues {
  return { rows, columns, data: new Float32Array(rows * columns) };
}

/** Matrices of zeros by name. */
export function zeroMatrices(
  specs: readonly (Shape & { name: string })[],
): Map<string, MatrixValues> {
  return new Map(specs.map((spec) => [spec.name, zeroMatrix(spec)]));
}

/**
 * A matrix, if it is there in the shape that is wanted.
 *
 * @param what is loaded, for the message
 * @throws {RangeError} If it is not.
 *
 * @example
 * ```ts
 * import { checkedMatrix, zeroMatrix } from "./matrix_values.ts";
 * import assert from "node:assert/strict";
 *
 * const spec = { name: "P1.weight", rows: 2, columns: 3 };
 * assert.throws(() => checkedMatrix("projector", spec, zeroMatrix({ rows: 3, columns: 2 })), {
 *   message: 'Cannot load projector: tensor "P1.weight" is 3 x 2, not 2 x 3',
 * });
 * ```
 */
export function checkedMatrix(
  what: string,
  { name, rows, columns }: Shape & { name: string },
  found: MatrixValues | undefined,
): MatrixValues {
  if (!found) throw new RangeError(`Cannot load ${what}: tensor "${name}" is missing`);
  if (found.rows !== rows || found.columns !== columns) {
    throw new RangeError(
      `Cannot load ${what}: tensor "${name}" is ${found.rows} x ${found.columns}, not ${rows} x ${columns}`,
    );
  }
  return found;
}

/** Tensors of parameters by name. */
export function tensorsOf(parameters: readonly Parameter[]): Map<string, Tensor> {
  return new Map(parameters.map(({ name, tensor }) => [name, tensor]));
}

/** Reads parameters back, by name. Waits for the queue. */
export async function readParameters(
  engine: Engine,
  parameters: readonly Parameter[],
): Promise<Map<string, MatrixValues>> {
  const values = new Map<string, MatrixValues>();
  for (const { name, tensor } of parameters) {
    const { rows, columns } = tensor;
    values.set(name, { rows, columns, data: await readTensor(engine, tensor) });
  }
  return values;
}
