/**
 * Reads and writes safetensors files: an 8-byte little-endian header length, a JSON header, raw
 * little-endian data.
 *
 * Format: https://huggingface.co/docs/safetensors. Deno runs on little-endian machines only, so
 * typed arrays hold the bytes as they are.
 */
import { parseJsonBytes } from "../data/json.ts";
import { oneLine, quoted } from "../data/one_line.ts";

/** The array that holds each element type. BF16 has none of its own, so its bits are kept. */
const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Float16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** Element type of a tensor, in the format's own spelling. */
export type Dtype = keyof typeof ARRAYS;

/** A tensor as stored: row-major; a scalar has the shape `[]`. */
export type Tensor = {
  [D in Dtype]: {
    dtype: D;
    shape: number[];
    data: InstanceType<(typeof ARRAYS)[D]>;
  };
}[Dtype];

const LENGTH_BYTES = 8;

/** What the format's own reader accepts, so that no file can ask for more memory. */
const LONGEST_HEADER = 100_000_000;

/**
 * Reads every tensor of a safetensors file.
 *
 * Data shares memory with `bytes` where the alignment of the element type allows, so a large
 * checkpoint is not held twice.
 *
 * @throws {SyntaxError} the header is no JSON object
 * @throws {TypeError} an entry lacks a field or names an unknown element type
 * @throws {RangeError} the file is cut short, or offsets overlap, leave gaps, leave the file or
 * disagree with the shape
 */
export function parseSafetensors(bytes: Uint8Array): Map<string, Tensor> {
  return new Map(
    parseSafetensorsHeader(bytes, bytes.length)
      .map((place) => [place.name, tensorOf(place, bytes.subarray(place.begin, place.end))]),
  );
}

/** Where a tensor lies in its file. */
export interface TensorPlace {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** Byte offsets from the start of the file. */
  begin: number;
  end: number;
}

/**
 * Reads where the tensors of a safetensors file lie, in the order of their bytes. The file itself
 * may be larger than memory.
 *
 * @param start the file's first bytes, at least {@linkcode safetensorsHeaderEnd} of them
 * @param fileBytes size of the whole file
 * @throws as {@linkcode parseSafetensors} does
 */
export function parseSafetensorsHeader(start: Uint8Array, fileBytes: number): TensorPlace[] {
  const { header, end: dataStart } = readHeader(start, fileBytes);
  const dataBytes = fileBytes - dataStart;
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => ({ name, ...checkEntry(name, value, dataBytes) }))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, dataBytes);
  return entries.map(({ begin, end, ...entry }) => ({
    ...entry,
    begin: dataStart + begin,
    end: dataStart + end,
  }));
}

/**
 * The byte of a file at which its header ends and its data begins.
 *
 * @param start the file's first eight bytes, or more
 * @throws {RangeError} the header is longer than the file or than the format allows
 */
export function safetensorsHeaderEnd(start: Uint8Array, fileBytes: number): number {
  if (Math.min(start.length, fileBytes) < LENGTH_BYTES) {
    throw new RangeError(
      `Cannot read safetensors: the file has ${fileBytes} bytes, its header length alone needs ${LENGTH_BYTES}`,
    );
  }
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  const available = fileBytes - LENGTH_BYTES;
  if (length > BigInt(available)) {
    throw new RangeError(
      `Cannot read safetensors: the header says it has ${length} bytes, the file has ${available} left`,
    );
  }
  if (length > BigInt(LONGEST_HEADER)) {
    throw new RangeError(
      `Cannot read safetensors: the header says it has ${length} bytes, the format allows ${LONGEST_HEADER}`,
    );
  }
  return LENGTH_BYTES + Number(length);
}

/**
 * A tensor from its bytes. Data shares memory with them where the alignment of the element type
 * allows.
 *
 * @param bytes from `place.begin` to `place.end` of the file
 */
export function tensorOf({ dtype, shape }: TensorPlace, bytes: Uint8Array): Tensor {
  return { dtype, shape, data: view(dtype, bytes) } as Tensor;
}

/**
 * Reads the `__metadata__` strings of a safetensors file; empty where it has none.
 *
 * @throws as {@linkcode parseSafetensors} does for a bad header
 */
export function parseSafetensorsMetadata(
  bytes: Uint8Array,
): Record<string, string> {
  const metadata = readHeader(bytes, bytes.length).header["__metadata__"] ?? {};
  if (
    !isObject(metadata) ||
    Object.values(metadata).some((value) => typeof value !== "string")
  ) {
    throw new TypeError(
      `Cannot read safetensors: "__metadata__" is not a map of strings`,
    );
  }
  return metadata as Record<string, string>;
}

/**
 * Writes a safetensors file. The same tensors and metadata give the same bytes, whatever their
 * order in the map.
 *
 * Wide element types come first, then names in code unit order, and the header is padded to 8
 * bytes: so every tensor is aligned to its element size without gaps, which the format forbids.
 *
 * @throws {RangeError} a tensor's data does not fit its shape
 * @throws {TypeError} a tensor's data is not the array of its element type, or a name is reserved
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, Tensor]>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const sorted = [...tensors].sort(([nameA, a], [nameB, b]) =>
    ARRAYS[b.dtype].BYTES_PER_ELEMENT - ARRAYS[a.dtype].BYTES_PER_ELEMENT ||
    (nameA < nameB ? -1 : Number(nameA > nameB))
  );
  // A list of pairs, because assigning to a plain object would lose a tensor named "__proto__".
  const header: [string, unknown][] = [];
  const names = Object.keys(metadata).sort();
  if (names.length > 0) {
    header.push([
      "__metadata__",
      Object.fromEntries(names.map((name) => [name, metadata[name]])),
    ]);
  }
  let offset = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    checkWritable(name, { dtype, shape, data } as Tensor);
    header.push([name, {
      dtype,
      shape,
      data_offsets: [offset, offset + data.byteLength],
    }]);
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(
    JSON.stringify(Object.fromEntries(header)),
  );
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, LENGTH_BYTES + json.length, LENGTH_BYTES + headerBytes);
  file.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const [, { data }] of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/**
 * Converts a tensor of floating-point numbers to float32; F32 data is returned as it is.
 *
 * @throws {TypeError} the elements are not floating-point numbers
 */
export function toFloat32(tensor: Tensor): Float32Array {
  switch (tensor.dtype) {
    case "F32":
      return tensor.data;
    case "F64":
    case "F16":
      return new Float32Array(tensor.data);
    case "BF16": {
      // bfloat16 is the upper half of a float32.
      const bits = new Uint32Array(tensor.data);
      for (let i = 0; i < bits.length; i++) bits[i] <<= 16;
      return new Float32Array(bits.buffer);
    }
    default:
      throw new TypeError(
        `Cannot convert tensor to float32: its elements are ${tensor.dtype}`,
      );
  }
}

interface Entry {
  dtype: Dtype;
  shape: number[];
  /** Byte offsets from the start of the data. */
  begin: number;
  end: number;
}

function readHeader(
  start: Uint8Array,
  fileBytes: number,
): { header: Record<string, unknown>; end: number } {
  const end = safetensorsHeaderEnd(start, fileBytes);
  let header: unknown;
  try {
    header = parseJsonBytes(start.subarray(LENGTH_BYTES, end));
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read safetensors: the header is no JSON: ${oneLine(cause)}`,
      { cause },
    );
  }
  if (!isObject(header)) {
    throw new SyntaxError(
      "Cannot read safetensors: the header is no JSON object",
    );
  }
  return { header, end };
}

function checkEntry(name: string, value: unknown, dataBytes: number): Entry {
  const wrong = `Cannot read tensor ${quoted(name)}:`;
  if (!isObject(value)) {
    throw new TypeError(`${wrong} its header entry is no object`);
  }
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(ARRAYS, dtype)) {
    throw new TypeError(
      `${wrong} element type ${quoted(dtype)} is not known`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new TypeError(
      `${wrong} shape ${quoted(shape)} is no list of sizes`,
    );
  }
  if (
    !Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)
  ) {
    throw new TypeError(
      `${wrong} data offsets ${quoted(offsets)} are no pair of byte counts`,
    );
  }
  const [begin, end] = offsets;
  if (begin > end || end > dataBytes) {
    throw new RangeError(
      `${wrong} data offsets [${begin}, ${end}] are not within the ${dataBytes} bytes of data`,
    );
  }
  const needed = elements(shape) * ARRAYS[dtype as Dtype].BYTES_PER_ELEMENT;
  if (end - begin !== needed) {
    throw new RangeError(
      `${wrong} shape ${quoted(shape)} of ${dtype} needs ${needed} bytes, its data offsets hold ${
        end - begin
      }`,
    );
  }
  return { dtype: dtype as Dtype, shape, begin, end };
}

/** The format demands that the tensors cover the data exactly, each byte once. */
function checkCoverage(
  sorted: (Entry & { name: string })[],
  dataBytes: number,
): void {
  let covered = 0;
  let before = "";
  for (const { name, begin, end } of sorted) {
    if (begin < covered) {
      throw new RangeError(
        `Cannot read tensor ${quoted(name)}: its data starts at byte ${begin}, inside tensor ${
          quoted(before)
        }`,
      );
    }
    if (begin > covered) {
      throw new RangeError(
        `Cannot read tensor ${quoted(name)}: no tensor holds the ${
          begin - covered
        } bytes before its data`,
      );
    }
    covered = end;
    before = name;
  }
  if (covered < dataBytes) {
    throw new RangeError(
      `Cannot read safetensors: no tensor holds the last ${dataBytes - covered} bytes of data`,
    );
  }
}

function checkWritable(name: string, tensor: Tensor): void {
  const { dtype, shape, data } = tensor;
  if (name === "__metadata__") {
    throw new TypeError(
      `Cannot write tensor "__metadata__": the name is reserved`,
    );
  }
  if (!(data instanceof ARRAYS[dtype])) {
    throw new TypeError(
      `Cannot write tensor "${name}": ${dtype} is held by ${ARRAYS[dtype].name}, not ${
        (data as object).constructor.name
      }`,
    );
  }
  if (!shape.every(isCount) || elements(shape) !== data.length) {
    throw new RangeError(
      `Cannot write tensor "${name}": shape [${shape}] does not hold ${data.length} elements`,
    );
  }
}

function view(dtype: Dtype, bytes: Uint8Array): Tensor["data"] {
  const Type = ARRAYS[dtype];
  const length = bytes.length / Type.BYTES_PER_ELEMENT;
  return bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0
    ? new Type(bytes.buffer as ArrayBuffer, bytes.byteOffset, length)
    : new Type(bytes.slice().buffer, 0, length);
}

function elements(shape: number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
