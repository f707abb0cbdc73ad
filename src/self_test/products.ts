/**
 * Matrix products in three orders, with what their constants say is done to a value before it is
 * stored.
 */
import type { ProductShape } from "../gpu/plan.ts";
import type { Constants } from "../gpu/template.ts";
import { GELU } from "../reference/gelu.ts";
import { joinColumns, joinHeads, splitHeads, takeColumns } from "../reference/heads.ts";
import { matmul } from "../reference/matmul.ts";
import { rope } from "../reference/rope.ts";
import { swiglu, swigluBackward } from "../reference/swiglu.ts";
import { add } from "../reference/values.ts";
import { geluForm } from "../tensor/gelu.ts";
import { matmulNN, matmulNT, matmulTN } from "../tensor/matmul.ts";
import type { Activation } from "../tensor/producer.ts";
import { ropeTable } from "../tensor/rope.ts";
import type { Bench } from "./bench.ts";

const THETA = 10_000;
/** Width of the rotated heads. */
const HEAD = 8;

/** Just past one workgroup's rows and columns, and no multiple of anything. */
function awkward({ ROWS, ROWS4, TEXELS, ACROSS, DOWN }: Constants): ProductShape {
  const rows = (ROWS ?? 4 * ROWS4) * DOWN + 3;
  return { rows, columns: 4 * TEXELS * ACROSS + 6, inner: 19 };
}

const fill = (columns: number, multiple: number) => multiple * Math.ceil(columns / multiple);

/** The kernel of an order: with tiles in workgroup memory or without. */
const kernelOf = ({ DEPTH4 }: Constants, order: string) =>
  `${DEPTH4 ? "matmul_tile" : "matmul"}_${order}`;

/** A factor; where tiles are float16, of numbers that they hold exactly. */
function factor({ draw, matrix, constants: { HALF } }: Bench, rows: number, columns: number) {
  const values = draw(rows * columns);
  return matrix(rows, columns, HALF ? values.map((v) => Math.round(1024 * v) / 1024) : values);
}

/** y = activation(x W^T + bias + before) + base. */
export function productNT(bench: Bench, shape = awkward(bench.constants)): void {
  const { tape, random, expect, constants: { BIAS, BEFORE, ADD, ROPE, SWIGLU }, constants } = bench;
  const { rows, inner } = shape;
  // Query, key and value heads as many as each other; gate and up each a multiple of four wide.
  const heads = Math.ceil(shape.columns / (3 * HEAD));
  const columns = ROPE ? 3 * HEAD * heads : SWIGLU ? fill(shape.columns, 8) : shape.columns;
  const a = factor(bench, rows, inner);
  const b = factor(bench, columns, inner);
  const bias = BIAS ? random(1, columns) : undefined;
  const before = BEFORE ? random(rows, columns) : undefined;
  const base = ADD ? random(rows, columns) : undefined;
  let pre = matmul("NT", a.values, b.values, { m: rows, k: inner, n: columns });
  if (bias) pre = pre.map((value, i) => value + bias.values[i % columns]);
  if (before) pre = add(pre, before.values);
  const activated = activate(bench, pre, { rows, columns, heads });
  const producer = activated.activation && {
    activation: activated.activation,
    pre: tape.tensor("pre", rows, columns),
  };
  const y = matmulNT(tape, a.tensor, b.tensor, {
    bias: bias?.tensor,
    before: before?.tensor,
    base: base?.tensor,
    producer,
  });
  expect(
    kernelOf(constants, "nt"),
    y,
    base ? add(activated.values, base.values) : activated.values,
  );
  if (producer) expect(kernelOf(constants, "nt"), producer.pre, pre);
}

function activate(
  { matrix, ints, constants }: Bench,
  pre: Float64Array,
  { rows, columns, heads }: { rows: number; columns: number; heads: number },
): { activation?: Activation; values: Float64Array } {
  if (constants.GELU) {
    const form = geluForm(constants);
    return { activation: { kind: "gelu", form }, values: GELU[form].forward(pre) };
  }
  if (constants.SWIGLU) {
    const half = columns / 2;
    const [gate, up] = [0, half].map((first) => takeColumns(pre, columns, first, half));
    return { activation: { kind: "swiglu" }, values: swiglu(gate, up) };
  }
  if (constants.ROPE) {
    const layout = { heads, kvHeads: heads, headWidth: HEAD, headDim: HEAD };
    const positions = Array.from({ length: rows }, (_, row) => (5 * row) % 7);
    const size = { batch: 1, heads: 2 * heads, tokens: rows };
    const rotated = 2 * heads * HEAD;
    const turned = rope(
      splitHeads(takeColumns(pre, columns, 0, rotated), size, layout, "halves"),
      positions,
      { headDim: HEAD, theta: THETA },
    );
    const passed = heads * HEAD;
    const values = joinColumns(rows, [
      { columns: rotated, data: joinHeads(turned, size, layout, "halves") },
      { columns: passed, data: takeColumns(pre, columns, rotated, passed) },
    ]);
    const table = matrix(7, HEAD, ropeTable(7, layout, THETA)).tensor;
    return {
      activation: {
        kind: "rotation",
        rotation: { table, positions: ints(positions), heads: layout },
      },
      values: Float64Array.from(values),
    };
  }
  return { values: pre };
}

/** dx = dy W through the gradient of what x came out of, plus base. */
export function productNN(bench: Bench, shape = awkward(bench.constants)): void {
  const { tape, random, addend, expect, constants } = bench;
  const { GELU_GRADIENT, SWIGLU_GRADIENT } = constants;
  const { rows, inner } = shape;
  const columns = SWIGLU_GRADIENT ? fill(shape.columns, 4) : shape.columns;
  const a = factor(bench, rows, inner);
  const b = factor(bench, inner, columns);
  const width = SWIGLU_GRADIENT ? 2 * columns : columns;
  const base = addend(rows, width);
  const product = matmul("NN", a.values, b.values, { m: rows, k: inner, n: columns });
  const pre = random(rows, width, 4);
  const activation: Activation | undefined = GELU_GRADIENT
    ? { kind: "gelu", form: geluForm(constants) }
    : SWIGLU_GRADIENT
    ? { kind: "swiglu" }
    : undefined;
  const c = matmulNN(tape, a.tensor, b.tensor, {
    base: base?.tensor,
    source: activation && { activation, pre: pre.tensor },
  });
  const expected = activation ? activationGradient(activation, pre.values, product, rows) : product;
  expect(kernelOf(constants, "nn"), c, base ? add(expected, base.values) : expected);
}

function activationGradient(
  activation: Activation,
  pre: Float64Array,
  dy: Float64Array,
  rows: number,
): ArrayLike<number> {
  if (activation.kind === "gelu") return GELU[activation.form].backward(pre, dy);
  const columns = dy.length / rows;
  const [gate, up] = [0, columns].map((first) => takeColumns(pre, 2 * columns, first, columns));
  const { gradGate, gradUp } = swigluBackward(gate, up, dy);
  return joinColumns(rows, [{ columns, data: gradGate }, { columns, data: gradUp }]);
}

/** dW = dy^T x, plus base. */
export function productTN(bench: Bench, shape = awkward(bench.constants)): void {
  const { tape, addend, expect, constants } = bench;
  const { rows, columns, inner } = shape;
  const a = factor(bench, inner, rows);
  const b = factor(bench, inner, columns);
  const base = addend(rows, columns);
  const c = matmulTN(tape, a.tensor, b.tensor, { base: base?.tensor });
  const product = matmul("TN", a.values, b.values, { m: rows, k: inner, n: columns });
  expect(kernelOf(constants, "tn"), c, base ? add(product, base.values) : product);
}
