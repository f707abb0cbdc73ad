import { row, type Values } from "./values.ts";

/** y[i] = table[ids[i]]: table (vocabulary, width), y (ids, width). */
export function embedding(
  table: Values,
  ids: Values,
  width: number,
): Float64Array {
  const y = new Float64Array(ids.length * width);
  for (let i = 0; i < ids.length; i++) {
    y.set(row(table, ids[i], width), i * width);
  }
  return y;
}

/** Gradient of {@linkcode embedding} by the table: rows of gradY are added up by id. */
export function embeddingBackward(
  ids: Values,
  gradY: Values,
  { vocabulary, width }: { vocabulary: number; width: number },
): Float64Array {
  const gradTable = new Float64Array(vocabulary * width);
  for (let i = 0; i < ids.length; i++) {
    for (let j = 0; j < width; j++) {
      gradTable[ids[i] * width + j] += gradY[i * width + j];
    }
  }
  return gradTable;
}
