/**
 * Matrices on the device: storage textures or storage buffers, their upload and read-back.
 *
 * A matrix (rows, columns) is kept as rows of `width4` = ceil(columns / 4) groups of four. What lies
 * past the last column is zero, always: kernels count on it and keep it so.
 */
import type { OperandForm } from "./plan.ts";

/** Shape of a matrix on the device. */
export interface Shape {
  rows: number;
  columns: number;
}

/** A matrix on the device. */
export interface DeviceMatrix extends Shape {
  /** Groups of four columns. */
  width4: number;
  /** Rows of the texture; a taller matrix continues to the right (image form only). */
  foldRows: number;
  /** Row of the texture or buffer that is row 0: several matrices of one width may share it. */
  firstRow: number;
  texture?: GPUTexture;
  view?: GPUTextureView;
  buffer?: GPUBuffer;
  bytes: number;
}

/** Groups of four columns that hold `columns` columns. */
export function width4(columns: number): number {
  return Math.ceil(columns / 4);
}

/**
 * Allocates a matrix, zero at the start.
 *
 * @throws {RangeError} If the adapter's limits do not allow the size.
 */
export function createMatrix(
  device: GPUDevice,
  form: OperandForm,
  shape: Shape,
  label = "",
): DeviceMatrix {
  const { rows, columns } = shape;
  const width = width4(columns);
  const bytes = rows * width * 16;
  const matrix = { rows, columns, width4: width, foldRows: rows, firstRow: 0, bytes };
  if (form === "buffer") {
    if (matrix.bytes > device.limits.maxStorageBufferBindingSize) {
      throw new RangeError(
        `Cannot allocate ${
          label || "matrix"
        } ${rows} x ${columns}: ${matrix.bytes} bytes exceed the adapter's binding of ${device.limits.maxStorageBufferBindingSize}`,
      );
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    return {
      ...matrix,
      buffer: device.createBuffer({ size: Math.max(matrix.bytes, 16), usage, label }),
    };
  }
  const { foldRows, textureWidth } = foldOf(device, shape);
  if (!fitsTexture(device, shape)) {
    const limit = device.limits.maxTextureDimension2D;
    throw new RangeError(
      `Cannot allocate ${
        label || "matrix"
      } ${rows} x ${columns}: it exceeds the adapter's texture size of ${limit}`,
    );
  }
  const usage = GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST |
    GPUTextureUsage.COPY_SRC;
  const texture = device.createTexture({
    size: [unevenSize(textureWidth), unevenSize(foldRows)],
    format: "rgba32float",
    usage,
    label,
  });
  return { ...matrix, foldRows, texture, view: texture.createView() };
}

/** Whether a texture holds a matrix. */
export function fitsTexture(device: GPUDevice, shape: Shape): boolean {
  return foldOf(device, shape).textureWidth < device.limits.maxTextureDimension2D;
}

/** Rows and width of the texture of a matrix. Sizes that are no powers of two leave room for one more. */
function foldOf(
  { limits }: GPUDevice,
  { rows, columns }: Shape,
): { foldRows: number; textureWidth: number } {
  const foldRows = Math.min(rows, limits.maxTextureDimension2D - 1);
  return { foldRows, textureWidth: width4(columns) * Math.ceil(rows / foldRows) };
}

/**
 * The next size that is no power of two. Mesa's software driver compiles a kernel again for images
 * whose width or height is one.
 */
function unevenSize(size: number): number {
  return size <= 2 ? 3 : (size & (size - 1)) === 0 ? size + 1 : size;
}

/** Rows of a matrix as a matrix of its own, in the same memory. */
export function bandOf(matrix: DeviceMatrix, firstRow: number, rows: number): DeviceMatrix {
  const bytes = rows * matrix.width4 * 16;
  return { ...matrix, rows, firstRow: matrix.firstRow + firstRow, bytes };
}

/** Frees a matrix, and all bands of its memory. */
export function destroyMatrix(matrix: DeviceMatrix): void {
  matrix.texture?.destroy();
  matrix.buffer?.destroy();
}

/**
 * Uploads (rows, columns) numbers, row-major.
 *
 * @throws {RangeError} If the number of values is not rows * columns.
 */
export function writeMatrix(device: GPUDevice, matrix: DeviceMatrix, values: Float32Array): void {
  if (values.length !== matrix.rows * matrix.columns) {
    throw new RangeError(
      `Cannot write matrix ${matrix.rows} x ${matrix.columns}: got ${values.length} values`,
    );
  }
  const padded = pad(values, matrix);
  const stride = matrix.width4 * 4;
  if (matrix.buffer) {
    const at = matrix.firstRow * stride * 4;
    device.queue.writeBuffer(matrix.buffer, at, padded as Float32Array<ArrayBuffer>);
    return;
  }
  for (const { row, rows, origin } of texturePieces(matrix)) {
    device.queue.writeTexture(
      { texture: matrix.texture!, origin },
      padded.subarray(row * stride, (row + rows) * stride) as Float32Array<ArrayBuffer>,
      { bytesPerRow: stride * 4, rowsPerImage: rows },
      [matrix.width4, rows],
    );
  }
}

/** Reads a matrix back: (rows, columns) numbers, row-major. Waits for the queue. */
export async function readMatrix(device: GPUDevice, matrix: DeviceMatrix): Promise<Float32Array> {
  const stride = matrix.width4 * 16;
  // bytesPerRow of a copy from a texture is a multiple of 256.
  const bytesPerRow = matrix.texture ? Math.ceil(stride / 256) * 256 : stride;
  const staging = device.createBuffer({
    size: bytesPerRow * matrix.rows,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = device.createCommandEncoder();
  if (matrix.buffer) {
    const at = matrix.firstRow * stride;
    encoder.copyBufferToBuffer(matrix.buffer, at, staging, 0, matrix.bytes);
  } else {
    for (const { row, rows, origin } of texturePieces(matrix)) {
      encoder.copyTextureToBuffer(
        { texture: matrix.texture!, origin },
        { buffer: staging, offset: row * bytesPerRow, bytesPerRow, rowsPerImage: rows },
        [matrix.width4, rows],
      );
    }
  }
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const raw = new Float32Array(staging.getMappedRange());
  const values = new Float32Array(matrix.rows * matrix.columns);
  for (let row = 0; row < matrix.rows; row++) {
    const at = row * bytesPerRow / 4;
    values.set(raw.subarray(at, at + matrix.columns), row * matrix.columns);
  }
  staging.unmap();
  staging.destroy();
  return values;
}

/** The rectangles of a texture that hold a matrix: one for each fold that it reaches into. */
function texturePieces(
  { rows: all, width4, firstRow, foldRows }: DeviceMatrix,
): { row: number; rows: number; origin: [number, number] }[] {
  const pieces: { row: number; rows: number; origin: [number, number] }[] = [];
  for (let row = 0; row < all;) {
    const fold = Math.floor((firstRow + row) / foldRows);
    const y = (firstRow + row) % foldRows;
    const rows = Math.min(foldRows - y, all - row);
    pieces.push({ row, rows, origin: [fold * width4, y] });
    row += rows;
  }
  return pieces;
}

function pad(values: Float32Array, { rows, columns, width4 }: DeviceMatrix): Float32Array {
  if (columns === width4 * 4) return values;
  const padded = new Float32Array(rows * width4 * 4);
  for (let row = 0; row < rows; row++) {
    padded.set(values.subarray(row * columns, (row + 1) * columns), row * width4 * 4);
  }
  return padded;
}

/** A plain storage buffer for integers or single numbers. */
export function createArray(device: GPUDevice, length: number, label = ""): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  return device.createBuffer({ size: Math.max(16, length * 4), usage, label });
}

/** Reads the bytes of a buffer back. Waits for the queue. */
export async function readBuffer(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const staging = device.createBuffer({
    size: buffer.size,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const bytes = staging.getMappedRange().slice(0);
  staging.unmap();
  staging.destroy();
  return bytes;
}
