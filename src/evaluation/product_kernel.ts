/**
 * The inner loop of a float64 matrix product, in WebAssembly with two numbers an instruction.
 *
 * JavaScript has float64 but no vector instructions, and a product of large matrices takes it more
 * than half as long again. WGSL has no float64. Additions and multiplications stay apart (no fused
 * ones), so every machine gives the same bits.
 */

/** Rows of a tile, and columns. Nine sums, three factors and one splat fit the sixteen registers. */
export const TILE_ROWS = 3, TILE_COLUMNS = 6;

/**
 * Adds to a column of tiles: tile t += panel t of A times the panel of B.
 *
 * Addresses are bytes in the kernel's memory. A panel of A holds {@linkcode TILE_ROWS} numbers for
 * each of `depth` steps, one of B {@linkcode TILE_COLUMNS}; panels of A, and tiles (row-major), lie
 * one behind the other.
 */
export type ProductKernel = (
  a: number,
  b: number,
  tiles: number,
  depth: number,
  count: number,
) => void;

/** Makes a kernel on a memory. */
export function productKernel(memory: WebAssembly.Memory): ProductKernel {
  const { exports } = new WebAssembly.Instance(compiled ??= new WebAssembly.Module(assemble()), {
    m: { m: memory },
  });
  return exports.f as ProductKernel;
}

let compiled: WebAssembly.Module | undefined;

/** Bytes of a number and of a vector of two. */
const NUMBER = 8, VECTOR = 16;

/** Opcodes (WebAssembly core specification 2.0, binary format, instructions). */
const LOOP = [0x03, 0x40], END = [0x0b], ADD_I32 = [0x6a];
const ADD = [0xfd, 0xf0, 0x01], MULTIPLY = [0xfd, 0xf2, 0x01];
const I32 = 0x7f, V128 = 0x7b;

/** The module: imports memory m.m, exports the function f. */
function assemble(): Uint8Array<ArrayBuffer> {
  const vectors = TILE_COLUMNS / 2;
  const [a, b, tiles, depth, count, factors, step] = range(7);
  const sum = (i: number, j: number) => 7 + i * vectors + j;
  const factor = (j: number) => sum(TILE_ROWS, j), splat = sum(TILE_ROWS, vectors);
  const eachSum = (make: (i: number, j: number) => number[]) =>
    range(TILE_ROWS).flatMap((i) => range(vectors).flatMap((j) => make(i, j)));
  const offset = (i: number, j: number) => (i * vectors + j) * VECTOR;
  const body = [
    ...LOOP,
    ...eachSum((i, j) => [...get(tiles), ...load(offset(i, j)), ...set(sum(i, j))]),
    ...get(b),
    ...set(factors),
    ...get(depth),
    ...set(step),
    ...LOOP,
    ...range(vectors).flatMap((
      j,
    ) => [...get(factors), ...load(j * VECTOR), ...set(factor(j))]),
    ...range(TILE_ROWS).flatMap((i) => [
      ...get(a),
      ...loadSplat(i * NUMBER),
      ...set(splat),
      ...range(vectors).flatMap((j) => [
        ...get(sum(i, j)),
        ...get(splat),
        ...get(factor(j)),
        ...MULTIPLY,
        ...ADD,
        ...set(sum(i, j)),
      ]),
    ]),
    ...advance(a, TILE_ROWS * NUMBER),
    ...advance(factors, TILE_COLUMNS * NUMBER),
    ...again(step),
    ...END,
    ...eachSum((i, j) => [...get(tiles), ...get(sum(i, j)), ...store(offset(i, j))]),
    ...advance(tiles, TILE_ROWS * TILE_COLUMNS * NUMBER),
    ...again(count),
    ...END,
    ...END,
  ];
  const code = [2, 2, I32, splat - 6, V128, ...body];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
    ...section(2, [1, 1, 0x6d, 1, 0x6d, 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

const range = (n: number) => [...Array(n).keys()];
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const load = (offset: number) => [0xfd, 0x00, 3, ...unsigned(offset)];
const loadSplat = (offset: number) => [0xfd, 0x0a, 3, ...unsigned(offset)];
const store = (offset: number) => [0xfd, 0x0b, 3, ...unsigned(offset)];
const constant = (value: number) => [0x41, ...signed(value)];
const advance = (local: number, by: number) => [
  ...get(local),
  ...constant(by),
  ...ADD_I32,
  ...set(local),
];
/** Counts down and goes back to the loop's start until zero. */
const again = (local: number) => [
  ...get(local),
  ...constant(-1),
  ...ADD_I32,
  ...[0x22, local],
  ...[0x0d, 0],
];
const section = (id: number, content: number[]) => [id, ...unsigned(content.length), ...content];

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40
    ? [value & 0x7f]
    : [value & 0x7f | 0x80, ...signed(value >> 7)];
}
