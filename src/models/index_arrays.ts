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

/**
 * Places of each id in order, as compressed sparse rows: those of id i are
 * `places[starts[i]]` to `places[starts[i + 1] - 1]`.
 *
 * @param ids 0 to `count` - 1; what is negative has no place
 */
export function sortedPlaces(
  ids: Int32Array,
  count: number,
): { starts: Int32Array; places: Int32Array } {
  const starts = new Int32Array(count + 1);
  for (const id of ids) if (id >= 0) starts[id + 1]++;
  for (let id = 0; id < count; id++) starts[id + 1] += starts[id];
  const next = starts.slice(0, count);
  const places = new Int32Array(ids.length);
  ids.forEach((id, place) => {
    if (id >= 0) places[next[id]++] = place;
  });
  return { starts, places };
}
