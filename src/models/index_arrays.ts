/** Index arrays of a model's inputs: on the device, and how one follows from another. */
import { createArray } from "../gpu/memory.ts";

/** Puts indices on the device. */
export function uploadIndices(device: GPUDevice, indices: Int32Array, label: string): GPUBuffer {
  const buffer = createArray(device, indices.length, label);
  writeIndices(device, buffer, indices);
  return buffer;
}

/** Gives an array other indices, as many as it has. */
export function writeIndices(device: GPUDevice, buffer: GPUBuffer, indices: Int32Array): void {
  device.queue.writeBuffer(buffer, 0, indices as Int32Array<ArrayBuffer>);
}

/** Which entry of `rowsOf` names a row, or -1: (rows). */
export function inverseIndices(rowsOf: Int32Array, rows: number): Int32Array {
  const inverse = new Int32Array(rows).fill(-1);
  rowsOf.forEach((row, i) => inverse[row] = i);
  return inverse;
}
