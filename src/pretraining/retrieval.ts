/** Zero-shot figures from features alone. Rows of unit length, so scores are cosines. */
import type { MatrixValues } from "../nn/matrix_values.ts";

/** Share of queries whose own key is the best one, and among the five best. */
export interface Recall {
  at1: number;
  at5: number;
}

/** Cosines of all queries (rows) with all keys. */
function scores(queries: MatrixValues, keys: MatrixValues): Float64Array[] {
  const width = queries.columns;
  return Array.from(
    { length: queries.rows },
    (_, q) =>
      Float64Array.from({ length: keys.rows }, (_, k) => {
        let sum = 0;
        for (let i = 0; i < width; i++) {
          sum += queries.data[q * width + i] * keys.data[k * width + i];
        }
        return sum;
      }),
  );
}

/** Place of each query's own key among the keys, from 0. Keys that score the same stand before it. */
function ranks(queries: MatrixValues, keys: MatrixValues): number[] {
  return scores(queries, keys).map((row, own) =>
    row.filter((score, k) => k !== own && !(score < row[own])).length
  );
}

/** How well query i finds key i among all keys. */
export function recall(queries: MatrixValues, keys: MatrixValues): Recall {
  const found = ranks(queries, keys);
  const within = (k: number) => found.filter((rank) => rank < k).length / found.length;
  return { at1: within(1), at5: within(5) };
}

/** Share of queries that choose key i within their own group of `size` neighbours. */
export function groupAccuracy(queries: MatrixValues, keys: MatrixValues, size: number): number {
  const part = ({ columns, data }: MatrixValues, start: number): MatrixValues => ({
    rows: size,
    columns,
    data: data.subarray(start * columns, (start + size) * columns),
  });
  let right = 0;
  for (let start = 0; start < queries.rows; start += size) {
    right += ranks(part(queries, start), part(keys, start)).filter((rank) => rank === 0).length;
  }
  return right / queries.rows;
}

/** The key of the highest score for each query, the first one where several are. */
export function classify(queries: MatrixValues, keys: MatrixValues): number[] {
  return scores(queries, keys).map((row) => row.indexOf(Math.max(...row)));
}
