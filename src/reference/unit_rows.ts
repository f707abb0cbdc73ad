import { dot, row, scale, type Values } from "./values.ts";

/** y = exp(logScale) x / |x|, row by row: x (rows, width). A row of zeros stays one. */
export function unitRows(x: Values, width: number, logScale = 0): Float64Array {
  const y = new Float64Array(x.length);
  for (let r = 0; r < x.length / width; r++) {
    const values = row(x, r, width);
    y.set(scale(values, Math.exp(logScale) * inverseNorm(values)), r * width);
  }
  return y;
}

/** Gradients of {@linkcode unitRows}; a row of zeros gets none. */
export function unitRowsBackward(
  x: Values,
  gradY: Values,
  width: number,
  logScale = 0,
): { gradX: Float64Array; gradLogScale: number } {
  const gradX = new Float64Array(x.length);
  const y = unitRows(x, width, logScale);
  for (let r = 0; r < x.length / width; r++) {
    const inverse = inverseNorm(row(x, r, width));
    const unit = scale(row(x, r, width), inverse);
    const gradient = row(gradY, r, width);
    const along = dot(unit, gradient);
    for (let j = 0; j < width; j++) {
      gradX[r * width + j] = Math.exp(logScale) * inverse * (gradient[j] - unit[j] * along);
    }
  }
  return { gradX, gradLogScale: dot(y, gradY) };
}

function inverseNorm(values: Float64Array): number {
  const norm = Math.sqrt(dot(values, values));
  return norm > 0 ? 1 / norm : 0;
}
