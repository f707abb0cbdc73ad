import type { Values } from "./values.ts";

/** y[row] = x[row] + table[row mod period]: x (rows, width), table (positions, width). */
export function addPositions(
  x: Values,
  table: Values,
  { period, width }: { period: number; width: number },
): Float64Array {
  return Float64Array.from(x, (value, i) => value + table[i % (period * width)]);
}

/** Gradient of {@linkcode addPositions} by the table: rows of gradY are added up by position. */
export function addPositionsBackward(
  gradY: Values,
  { positions, period, width }: { positions: number; period: number; width: number },
): Float64Array {
  const gradTable = new Float64Array(positions * width);
  for (let i = 0; i < gradY.length; i++) gradTable[i % (period * width)] += gradY[i];
  return gradTable;
}
