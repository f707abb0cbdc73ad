/**
 * What results are checked against: plain float64 loops over the same float32 inputs.
 *
 * Of large matrices only some rows are computed and compared, spread from the first to the last. A
 * training is checked by its first losses, against PyTorch in float64 where there is PyTorch.
 */
import type { Result, Task } from "./subject.ts";

/** Rows of a result, (rows.length, width), or all of a result of one row. */
interface ExpectedRows {
  rows: number[];
  width: number;
  values: Float64Array;
}

/** Expected values by name of the result. */
export type Reference = Record<string, ExpectedRows>;

/** Rows of a matrix that are checked. */
const SAMPLED_ROWS = 16;

/**
 * Largest relative error of a result that counts as right: float32 sums of two thousand products
 * stay below 1e-5, three training steps too.
 */
export const TOLERANCE = 1e-4;

/** Reference of a product or a cosine loss. */
export function computeReference(task: Exclude<Task, { kernel: "training-step" }>): Reference {
  return task.kernel === "matmul" ? productRows(task) : cosineRows(task);
}

/** A result, such as another side's, as what is expected. */
export function referenceOf(result: Result): Reference {
  return Object.fromEntries(
    Object.entries(result).map(([name, values]) => [
      name,
      { rows: [0], width: values.length, values: Float64Array.from(values) },
    ]),
  );
}

/** Some of `count` rows, the first and the last among them. */
export function sampledRows(count: number): number[] {
  if (count <= SAMPLED_ROWS) {
    return Array.from({ length: count }, (_, row) => row);
  }
  return Array.from(
    { length: SAMPLED_ROWS },
    (_, i) => Math.round(i * (count - 1) / (SAMPLED_ROWS - 1)),
  );
}

function productRows(
  { rows, inner, columns, a, b }: Extract<Task, { kernel: "matmul" }>,
): Reference {
  const sampled = sampledRows(rows);
  const values = new Float64Array(sampled.length * columns);
  sampled.forEach((row, at) => {
    for (let k = 0; k < inner; k++) {
      const factor = a[row * inner + k];
      for (let j = 0; j < columns; j++) {
        values[at * columns + j] += factor * b[k * columns + j];
      }
    }
  });
  return { c: { rows: sampled, width: columns, values } };
}

function cosineRows(
  { kernel, rows, columns, x, y }: Extract<
    Task,
    { kernel: "cosine-loss" | "cosine-loss-forward" }
  >,
): Reference {
  const sampled = sampledRows(rows);
  const dx = new Float64Array(sampled.length * columns);
  const dy = new Float64Array(sampled.length * columns);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    let xy = 0, xx = 0, yy = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      xy += x[i] * y[i];
      xx += x[i] * x[i];
      yy += y[i] * y[i];
    }
    const norms = Math.sqrt(xx * yy);
    const cosine = xy / norms;
    total += 1 - cosine;
    const at = sampled.indexOf(row);
    if (at === -1) continue;
    for (let j = 0; j < columns; j++) {
      const [xj, yj] = [x[row * columns + j], y[row * columns + j]];
      dx[at * columns + j] = -(yj / norms - xj * cosine / xx) / rows;
      dy[at * columns + j] = -(xj / norms - yj * cosine / yy) / rows;
    }
  }
  const loss = { rows: [0], width: 1, values: Float64Array.of(total / rows) };
  if (kernel === "cosine-loss-forward") return { loss };
  return {
    loss,
    dx: { rows: sampled, width: columns, values: dx },
    dy: { rows: sampled, width: columns, values: dy },
  };
}

/**
 * Largest difference over the largest expected size, the worst of all results; infinite where a
 * value is no number.
 *
 * @throws {RangeError} If a result is missing or too short
 */
export function relativeError(result: Result, reference: Reference): number {
  let worst = 0;
  for (const [name, { rows, width, values }] of Object.entries(reference)) {
    const got = result[name];
    if (got === undefined) {
      throw new RangeError(`Cannot check "${name}": there is no such result`);
    }
    let difference = 0, size = 0;
    values.forEach((expected, i) => {
      const at = rows[Math.floor(i / width)] * width + i % width;
      if (at >= got.length) {
        throw new RangeError(`Cannot check "${name}": it has ${got.length} values`);
      }
      const distance = Math.abs(got[at] - expected);
      difference = Math.max(
        difference,
        Number.isFinite(distance) ? distance : Infinity,
      );
      size = Math.max(size, Math.abs(expected));
    });
    worst = Math.max(worst, difference / size);
  }
  return worst;
}
