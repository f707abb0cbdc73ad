/**
 * Weights that are larger than a binding or a texture: bands of rows, each a matrix of its own.
 *
 * The embeddings of TinyLlama (32,000 x 2048) take 262 MB, and an adapter need not bind more than
 * 128 MB. Operations go band by band: y = x W^T writes the columns of each band, a look-up takes
 * each row from the band that has it, and each band has a gradient of its own.
 */
import type { Engine } from "./engine.ts";
import { readMatrix, type Shape, width4, writeMatrix } from "./memory.ts";
import { ownTensor, type Tensor } from "./tensor.ts";

/** A band and the row of the whole that is its first. */
export interface Band {
  tensor: Tensor;
  firstRow: number;
}

/** The bands of a tensor: itself where it is whole. */
export function bandsOf(tensor: Tensor): Band[] {
  let firstRow = 0;
  return (tensor.bands ?? [tensor]).map((band) => {
    const first = firstRow;
    firstRow += band.rows;
    return { tensor: band, firstRow: first };
  });
}

/**
 * The most rows that one matrix of the engine's form can have, a multiple of four, so that bands
 * begin at a group of four columns of a product.
 *
 * @throws {RangeError} If the adapter's limits do not even allow four rows
 */
function mostRows(engine: Engine, columns: number): number {
  // A kernel may take a workgroup for each row.
  const groups = engine.device.limits.maxComputeWorkgroupsPerDimension;
  const rows = engine.plan.form === "image"
    ? rowsOfTexture(engine, columns)
    : rowsOfBinding(engine, columns);
  const most = 4 * Math.floor(Math.min(groups, rows) / 4);
  if (most === 0) {
    throw new RangeError(
      `Cannot allocate rows of ${columns} numbers: the adapter's limits are lower`,
    );
  }
  return most;
}

/**
 * The most rows that parameters which are trained can share: a matrix of the engine's form holds
 * them, a binding their master copies and moments, and a kernel with a row an invocation reaches them.
 */
export function mostSharedRows(engine: Engine, columns: number): number {
  const { device: { limits }, plan } = engine;
  const reached = limits.maxComputeWorkgroupsPerDimension * plan.lanes;
  const held = rowsOfBinding(engine, columns);
  const texture = plan.form === "image" ? rowsOfTexture(engine, columns) : held;
  return Math.min(reached, held, texture);
}

function rowsOfTexture({ device: { limits } }: Engine, columns: number): number {
  const edge = limits.maxTextureDimension2D - 1;
  return Math.floor((edge - 1) / width4(columns)) * edge;
}

function rowsOfBinding({ device: { limits } }: Engine, columns: number): number {
  const bytes = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  return Math.floor(bytes / (16 * width4(columns)));
}

/**
 * A weight with memory of its own, zero at the start: in bands where it is too large for one matrix.
 * Bands need gradients where the whole does.
 *
 * @param most Rows of a matrix, a multiple of four
 */
export function weightTensor(
  engine: Engine,
  name: string,
  shape: Shape,
  needsGradient = false,
  most: number = mostRows(engine, shape.columns),
): Tensor {
  const { rows, columns } = shape;
  if (rows <= most) return ownTensor(engine, name, shape, needsGradient);
  const count = Math.ceil(rows / most);
  const bands = Array.from({ length: count }, (_, i) => {
    const own = Math.min(most, rows - i * most);
    return ownTensor(engine, `${name} ${i + 1}/${count}`, { rows: own, columns }, needsGradient);
  });
  return { name, rows, columns, width4: width4(columns), needsGradient, bands };
}

/**
 * Uploads (rows, columns) numbers, row-major.
 *
 * @throws {RangeError} If the number of values is not rows * columns
 */
export function writeTensor({ device }: Engine, tensor: Tensor, values: Float32Array): void {
  const { rows, columns } = tensor;
  if (values.length !== rows * columns) {
    throw new RangeError(
      `Cannot write "${tensor.name}" ${rows} x ${columns}: got ${values.length} values`,
    );
  }
  for (const { tensor: band, firstRow } of bandsOf(tensor)) {
    const own = values.subarray(firstRow * columns, (firstRow + band.rows) * columns);
    writeMatrix(device, band.matrix!, own);
  }
}

/** Reads a tensor with memory of its own back: (rows, columns) numbers, row-major. */
export async function readTensor({ device }: Engine, tensor: Tensor): Promise<Float32Array> {
  const { rows, columns } = tensor;
  if (tensor.matrix) return await readMatrix(device, tensor.matrix);
  const values = new Float32Array(rows * columns);
  for (const { tensor: band, firstRow } of bandsOf(tensor)) {
    values.set(await readMatrix(device, band.matrix!), firstRow * columns);
  }
  return values;
}
