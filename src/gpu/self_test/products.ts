/** Matrix products in three orders with the epilogues of linear layers, and what goes with them. */
import { add } from "../../tensor/elementwise.ts";
import { geluBackward } from "../../tensor/gelu.ts";
import { matmulNN, matmulNT, matmulTN } from "../../tensor/matmul.ts";
import { columnSum } from "../../tensor/reduce.ts";
import { gelu, geluBackward as referenceGeluBackward } from "../../testing/reference/gelu.ts";
import { linear, linearBackward } from "../../testing/reference/linear.ts";
import { add as referenceAdd } from "../../testing/reference/values.ts";
import type { Bench } from "./bench.ts";
import { ROWS } from "./sizes.ts";

// In groups of four columns as many as the hidden size, the last one not full.
const INPUTS = 61;
const OUTPUTS = 62;

// So few that a lane owns one group of columns, as in the head over the default vocabulary.
const FEW_OUTPUTS = 30;

/** y = x W^T + b with its gradients, written as single products. */
export function productCases({ tape, random, expect }: Bench): void {
  const x = random(ROWS, INPUTS);
  const weight = random(OUTPUTS, INPUTS);
  const bias = random(1, OUTPUTS);
  const residual = random(ROWS, OUTPUTS);
  const plain = linear(x.values, weight.values, null, INPUTS);
  const biased = linear(x.values, weight.values, bias.values, INPUTS);
  const pre = tape.tensor("before gelu", ROWS, OUTPUTS);
  const product = (options: Parameters<typeof matmulNT>[3]) =>
    matmulNT(tape, x.tensor, weight.tensor, options);
  expect("matmul_nt", product({}), plain);
  const narrow = random(FEW_OUTPUTS, INPUTS);
  expect(
    "matmul_nt with narrow lanes",
    matmulNT(tape, x.tensor, narrow.tensor),
    linear(x.values, narrow.values, null, INPUTS),
  );
  expect("matmul_nt with bias", product({ bias: bias.tensor }), biased);
  expect(
    "matmul_nt with residual",
    product({ base: residual.tensor }),
    referenceAdd(plain, residual.values),
  );
  expect(
    "matmul_nt with bias and GELU",
    product({ bias: bias.tensor, gelu: { pre, tanh: false } }),
    gelu(biased),
  );
  expect("matmul_nt with bias and GELU", pre, biased);

  const dy = random(ROWS, OUTPUTS);
  const base = random(ROWS, INPUTS);
  const { gradX, gradWeight, gradBias } = linearBackward(
    x.values,
    weight.values,
    dy.values,
    INPUTS,
  );
  expect("matmul_nn", matmulNN(tape, dy.tensor, weight.tensor), gradX);
  expect(
    "matmul_nn with residual",
    matmulNN(tape, dy.tensor, weight.tensor, { base: base.tensor }),
    referenceAdd(gradX, base.values),
  );
  expect("matmul_tn", matmulTN(tape, dy.tensor, x.tensor), gradWeight);
  expect("column_sum", columnSum(tape, dy.tensor), gradBias);
}

/** The gradient of GELU over the range where it bends, and the sum of two matrices. */
export function elementwiseCases({ tape, random, expect }: Bench): void {
  const x = random(ROWS, OUTPUTS, 6);
  const dy = random(ROWS, OUTPUTS);
  expect(
    "gelu_backward",
    geluBackward(tape, x.tensor, dy.tensor, false),
    referenceGeluBackward(x.values, dy.values),
  );
  expect("add", add(tape, x.tensor, dy.tensor), referenceAdd(x.values, dy.values));
}
