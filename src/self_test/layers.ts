/** Norms, sums, and gradients of activations where no product makes them. */
import { dropout as referenceDropout } from "../reference/dropout.ts";
import { GELU } from "../reference/gelu.ts";
import { joinColumns } from "../reference/heads.ts";
import { layerNorm as referenceLayerNorm, layerNormBackward } from "../reference/layer_norm.ts";
import { rmsNorm as referenceRmsNorm, rmsNormBackward } from "../reference/rms_norm.ts";
import { swiglu, swigluBackward as referenceSwiglu } from "../reference/swiglu.ts";
import { unitRows as referenceUnitRows, unitRowsBackward } from "../reference/unit_rows.ts";
import { add, dot, row } from "../reference/values.ts";
import { dropout } from "../tensor/dropout.ts";
import { add as traceAdd, multiply } from "../tensor/elementwise.ts";
import { geluBackward, geluForm } from "../tensor/gelu.ts";
import { layerNorm, rmsNorm } from "../tensor/norm.ts";
import { CHUNK, columnSum } from "../tensor/reduce.ts";
import { swigluBackward, swigluForward } from "../tensor/swiglu.ts";
import { unitRows } from "../tensor/unit_rows.ts";
import type { Bench, Operand } from "./bench.ts";
import { quadruples, ROWS, WIDTH } from "./sizes.ts";
import { STEP } from "./step.ts";

const EPS = 1e-5;

const plus = (values: ArrayLike<number>, addend: Operand | undefined) =>
  addend ? add(values, addend.values) : values;

/** Value, both gradients, and what goes from one kernel to the next. */
export function rmsNormCase(bench: Bench): void {
  const { tape, random, addend, backward, commands, expect } = bench;
  const x = random(ROWS, WIDTH);
  const weight = random(1, WIDTH);
  const dy = random(ROWS, WIDTH);
  const base = addend(ROWS, WIDTH);
  const y = rmsNorm(tape, x.tensor, weight.tensor, EPS);
  if (base) tape.accumulate(x.tensor, () => base.tensor);
  backward(y, dy.tensor);
  const inverse = statistics(x.values, (values) => {
    const squares = values.reduce((sum, value) => sum + value * value, 0);
    return 1 / Math.sqrt(squares / WIDTH + EPS);
  });
  const { gradX } = rmsNormBackward(x.values, weight.values, dy.values, EPS);
  const [{ matrices: { inverse_rms } }] = commands("rms_norm_forward");
  const [{ matrices: { partial } }] = commands("rms_norm_weight_gradient");
  expect("rms_norm_forward", y, referenceRmsNorm(x.values, weight.values, EPS));
  expect("rms_norm_forward", inverse_rms, quadruples((r) => Array(4).fill(inverse[r])));
  expect("rms_norm_backward", tape.gradientOf(x.tensor)!, plus(gradX, base));
  expect(
    "rms_norm_weight_gradient",
    partial,
    chunkSums((i, r) => dy.values[i] * x.values[i] * inverse[r]),
  );
}

/** As for the RMS norm. */
export function layerNormCase(bench: Bench): void {
  const { tape, draw, matrix, random, addend, backward, commands, expect } = bench;
  // A mean that is not lost among the deviations.
  const x = matrix(ROWS, WIDTH, draw(ROWS * WIDTH).map((value) => value + 0.5));
  const [weight, bias] = [random(1, WIDTH), random(1, WIDTH)];
  const dy = random(ROWS, WIDTH);
  const base = addend(ROWS, WIDTH);
  const y = layerNorm(tape, x.tensor, weight.tensor, bias.tensor, EPS);
  if (base) tape.accumulate(x.tensor, () => base.tensor);
  backward(y, dy.tensor);
  const meanOf = (values: Float64Array) => values.reduce((sum, value) => sum + value) / WIDTH;
  const mean = statistics(x.values, meanOf);
  const inverse = statistics(x.values, (values) => {
    const centre = meanOf(values);
    return 1 / Math.sqrt(meanOf(values.map((value) => (value - centre) ** 2)) + EPS);
  });
  const { gradX } = layerNormBackward(x.values, weight.values, dy.values, EPS);
  const [forward] = commands("layer_norm_forward");
  const [{ matrices: { partial } }] = commands("layer_norm_weight_gradient");
  expect("layer_norm_forward", y, referenceLayerNorm(x.values, weight.values, bias.values, EPS));
  expect(
    "layer_norm_forward",
    forward.matrices.statistics,
    quadruples((r) => [mean[r], inverse[r], 0, 0]),
  );
  expect("layer_norm_backward", tape.gradientOf(x.tensor)!, plus(gradX, base));
  expect(
    "layer_norm_weight_gradient",
    partial,
    chunkSums((i, r) => dy.values[i] * (x.values[i] - mean[r]) * inverse[r]),
  );
}

/** Rows of length one, or of a length that is a parameter; one row of zeros. */
export function unitRowsCase(bench: Bench): void {
  const { tape, draw, random, matrix, addend, backward, commands, expect } = bench;
  const x = matrix(ROWS, WIDTH, draw(ROWS * WIDTH).fill(0, WIDTH, 2 * WIDTH));
  const logScale = bench.constants.SCALE ? matrix(1, 1, [1.5]) : undefined;
  const dy = random(ROWS, WIDTH);
  const base = addend(ROWS, WIDTH);
  const y = unitRows(tape, x.tensor, logScale?.tensor);
  if (base) tape.accumulate(x.tensor, () => base.tensor);
  backward(y, dy.tensor);
  const given = logScale?.values[0] ?? 0;
  const expected = referenceUnitRows(x.values, WIDTH, given);
  const { gradX } = unitRowsBackward(x.values, dy.values, WIDTH, given);
  const inverse = statistics(x.values, (values) => {
    const norm = Math.sqrt(dot(values, values));
    return norm && 1 / norm;
  });
  const [{ matrices: { inverse_norm } }] = commands("unit_rows_forward");
  const [{ matrices: { products } }] = commands("unit_rows_backward");
  expect("unit_rows_forward", y, expected);
  expect("unit_rows_forward", inverse_norm, quadruples((r) => Array(4).fill(inverse[r])));
  expect("unit_rows_backward", tape.gradientOf(x.tensor)!, plus(gradX, base));
  if (products) {
    const along = Array.from(
      { length: ROWS },
      (_, r) => dot(row(expected, r, WIDTH), row(dy.values, r, WIDTH)),
    );
    expect("unit_rows_backward", products, along);
  }
}

/** The sum of two matrices. */
export function addCase({ tape, random, expect }: Bench): void {
  const [x, y] = [random(ROWS, WIDTH), random(ROWS, WIDTH)];
  expect("add", traceAdd(tape, x.tensor, y.tensor), add(x.values, y.values));
}

/** The elementwise product with a constant, and its gradient. */
export function multiplyCase({ tape, random, addend, backward, expect }: Bench): void {
  const [x, y, dz] = [random(ROWS, WIDTH), random(ROWS, WIDTH), random(ROWS, WIDTH)];
  const base = addend(ROWS, WIDTH);
  const timesY = (values: Float64Array) => values.map((value, i) => value * y.values[i]);
  const z = multiply(tape, x.tensor, y.tensor);
  if (base) tape.accumulate(x.tensor, () => base.tensor);
  backward(z, dz.tensor);
  expect("multiply", z, timesY(x.values));
  expect("multiply", tape.gradientOf(x.tensor)!, plus(timesY(dz.values), base));
}

/** The mask of this step, forward and backward. */
export function dropoutCase({ tape, random, addend, backward, expect }: Bench): void {
  const [x, dy] = [random(ROWS, WIDTH), random(ROWS, WIDTH)];
  const base = addend(ROWS, WIDTH);
  const rate = 0.3;
  const site = 5;
  const dropped = (values: Float64Array) =>
    referenceDropout(values, WIDTH, rate, { seed: STEP.seed, step: STEP.number, site });
  const y = dropout(tape, x.tensor, { rate, site });
  if (base) tape.accumulate(x.tensor, () => base.tensor);
  backward(y, dy.tensor);
  expect("dropout", y, dropped(x.values));
  expect("dropout", tape.gradientOf(x.tensor)!, plus(dropped(dy.values), base));
}

/** Sums of chunks of rows, and their sums. */
export function columnSumCase({ tape, random, addend, commands, expect }: Bench): void {
  const x = random(ROWS, WIDTH);
  const base = addend(1, WIDTH);
  const y = columnSum(tape, x.tensor, base?.tensor);
  const partial = chunkSums((i) => x.values[i]);
  const sums = Float64Array.from(
    { length: WIDTH },
    (_, j) => partial.reduce((sum, value, i) => i % WIDTH === j ? sum + value : sum, 0),
  );
  expect("column_sum", commands("column_sum")[0].matrices.y, partial);
  expect("column_sum", y, plus(sums, base));
}

/** The gradient of GELU over the range where it bends. */
export function geluCase({ tape, random, addend, expect, constants }: Bench): void {
  const x = random(ROWS, WIDTH, 6);
  const dy = random(ROWS, WIDTH);
  const base = addend(ROWS, WIDTH);
  const form = geluForm(constants);
  expect(
    "gelu_backward",
    geluBackward(tape, x.tensor, dy.tensor, form, base?.tensor),
    plus(GELU[form].backward(x.values, dy.values), base),
  );
}

/** Gate and up side by side. */
export function swigluCase({ tape, draw, random, matrix, addend, expect }: Bench): void {
  const columns = 4 * Math.ceil(WIDTH / 4);
  const sides = (gate: ArrayLike<number>, up: ArrayLike<number>) =>
    joinColumns(ROWS, [{ columns, data: gate }, { columns, data: up }]);
  const gate = draw(ROWS * columns, 6);
  const up = draw(ROWS * columns);
  const x = matrix(ROWS, 2 * columns, sides(gate, up));
  const dy = random(ROWS, columns);
  const base = addend(ROWS, 2 * columns);
  const { gradGate, gradUp } = referenceSwiglu(gate, up, dy.values);
  expect("swiglu_forward", swigluForward(tape, x.tensor), swiglu(gate, up));
  expect(
    "swiglu_backward",
    swigluBackward(tape, x.tensor, dy.tensor, base?.tensor),
    plus(sides(gradGate, gradUp), base),
  );
}

/** One number of each row of (ROWS, WIDTH). */
function statistics(x: Float64Array, of: (row: Float64Array) => number): Float64Array {
  return Float64Array.from({ length: ROWS }, (_, r) => of(row(x, r, WIDTH)));
}

/** Sums over chunks of rows of a value at element i, in row r. */
function chunkSums(value: (i: number, r: number) => number): Float64Array {
  const sums = new Float64Array(Math.ceil(ROWS / CHUNK) * WIDTH);
  for (let i = 0; i < ROWS * WIDTH; i++) {
    const r = Math.floor(i / WIDTH);
    sums[Math.floor(r / CHUNK) * WIDTH + i % WIDTH] += value(i, r);
  }
  return sums;
}
