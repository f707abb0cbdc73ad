/** Matrices as float32 tensors of a safetensors file. */
import type { MatrixValues } from "../nn/matrix_values.ts";
import { parseSafetensors, type Tensor, toFloat32 } from "./safetensors.ts";

/** What `writeSafetensors` takes, of matrices by name. */
export function matrixTensors(
  matrices: ReadonlyMap<string, MatrixValues>,
): [name: string, tensor: Tensor][] {
  return [...matrices].map((
    [name, { rows, columns, data }],
  ) => [name, { dtype: "F32", shape: [rows, columns], data } as Tensor]);
}

/**
 * The matrices of a safetensors file.
 *
 * @throws {SyntaxError | TypeError | RangeError} If the file is damaged, or holds something else.
 */
export function parseMatrices(bytes: Uint8Array): Map<string, MatrixValues> {
  return new Map(
    [...parseSafetensors(bytes)].map(([name, tensor]) => {
      const [rows, columns] = tensor.shape;
      if (tensor.shape.length !== 2) {
        throw new RangeError(
          `Cannot read tensor "${name}": it has shape [${tensor.shape}], not rows and columns`,
        );
      }
      return [name, { rows, columns, data: toFloat32(tensor) }];
    }),
  );
}
