/**
 * Between heads one after another, as the CPU reference and the golden values keep them, and heads
 * side by side in padded rows, as the kernels read them.
 */

/** Widths of a head: the true one, and that of its padded rows. */
export interface HeadWidths {
  headDim: number;
  headWidth: number;
}

/** Sizes of a group of heads. */
export interface HeadSize {
  batch: number;
  heads: number;
  tokens: number;
}

/** `halves`: pairs of a rotated head are (i, i + headDim / 2) outside and neighbours inside. */
export type PairOrder = "halves" | "as they are";

/**
 * (batch, heads, tokens, headDim) -> (batch * tokens, heads * headWidth), zeros where heads are
 * padded.
 */
export function joinHeads(
  values: ArrayLike<number>,
  size: HeadSize,
  layout: HeadWidths,
  order: PairOrder = "as they are",
): Float32Array {
  const joined = new Float32Array(size.batch * size.tokens * size.heads * layout.headWidth);
  forEachElement(size, layout, order, (outside, inside) => joined[inside] = values[outside]);
  return joined;
}

/** The inverse of {@linkcode joinHeads}. */
export function splitHeads(
  joined: ArrayLike<number>,
  size: HeadSize,
  layout: HeadWidths,
  order: PairOrder = "as they are",
): Float32Array {
  const values = new Float32Array(size.batch * size.tokens * size.heads * layout.headDim);
  forEachElement(size, layout, order, (outside, inside) => values[outside] = joined[inside]);
  return values;
}

function forEachElement(
  { batch, heads, tokens }: HeadSize,
  { headDim, headWidth }: HeadWidths,
  order: PairOrder,
  visit: (outside: number, inside: number) => void,
): void {
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < tokens; t++) {
        for (let e = 0; e < headDim; e++) {
          const from = order === "halves" ? Math.floor(e / 2) + (e % 2) * headDim / 2 : e;
          visit(
            ((b * heads + h) * tokens + t) * headDim + from,
            ((b * tokens + t) * heads + h) * headWidth + e,
          );
        }
      }
    }
  }
}

/** Matrices of the same height side by side: columns of the first, then of the second, ... */
export function joinColumns(
  rows: number,
  parts: { columns: number; data: ArrayLike<number>; paddedTo?: number }[],
): Float32Array {
  const width = parts.reduce((sum, { columns, paddedTo = columns }) => sum + paddedTo, 0);
  const joined = new Float32Array(rows * width);
  let first = 0;
  for (const { columns, data, paddedTo = columns } of parts) {
    for (let row = 0; row < rows; row++) {
      for (let c = 0; c < columns; c++) joined[row * width + first + c] = data[row * columns + c];
    }
    first += paddedTo;
  }
  return joined;
}

/** Columns `first` to `first + columns` of a matrix of `width` columns. */
export function takeColumns(
  matrix: ArrayLike<number>,
  width: number,
  first: number,
  columns: number,
): Float32Array {
  const rows = matrix.length / width;
  return Float32Array.from(
    { length: rows * columns },
    (_, i) => matrix[Math.floor(i / columns) * width + first + i % columns],
  );
}
