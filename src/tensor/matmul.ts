/** Matrix products on the tape, and the choice of their register blocks. */
import type { Tensor } from "../gpu/program.ts";
import type { Tape } from "./tape.ts";

/** Epilogues of a product. */
export interface MatmulOptions {
  /** (1, columns), added to every row. */
  bias?: Tensor;
  /** Same shape as the result, added to it. */
  base?: Tensor;
  /** Applies GELU and keeps the value before it in `pre`. */
  gelu?: { pre: Tensor; tanh: boolean };
  name?: string;
  needsGradient?: boolean;
}

/** A B^T: a (M, K), b (N, K) -> (M, N). */
export function matmulNT(tape: Tape, a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  check("matmulNT", a.columns, b.columns);
  return product(tape, "nt", a, b, a.rows, b.rows, a.columns, options);
}

/** A B: a (M, K), b (K, N) -> (M, N). */
export function matmulNN(tape: Tape, a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  check("matmulNN", a.columns, b.rows);
  return product(tape, "nn", a, b, a.rows, b.columns, a.columns, options);
}

/** A^T B: a (K, M), b (K, N) -> (M, N). */
export function matmulTN(tape: Tape, a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  check("matmulTN", a.rows, b.rows);
  return product(tape, "tn", a, b, a.columns, b.columns, a.rows, options);
}

function check(name: string, left: number, right: number): void {
  if (left !== right) {
    throw new RangeError(`Cannot trace ${name}: inner sizes ${left} and ${right} differ`);
  }
}

function product(
  tape: Tape,
  order: "nt" | "nn" | "tn",
  a: Tensor,
  b: Tensor,
  rows: number,
  columns: number,
  inner: number,
  { bias, base, gelu, name = `product ${order}`, needsGradient = false }: MatmulOptions,
): Tensor {
  const { lanes, matmul } = tape.engine.plan;
  const block = matmul[order];
  const c = tape.tensor(name, rows, columns, needsGradient);
  const texels = texelBlock(c.width4, lanes, block.texels);
  const rowBlock = halveWhile(block.rows, (size) => size > 4 && size >= 2 * rows);
  const constants = {
    ...(order === "tn" ? { ROWS4: rowBlock / 4 } : { ROWS: rowBlock }),
    TEXELS: texels,
    ...(bias && { BIAS: 1 }),
    ...(base && { ADD: 1 }),
    ...(gelu && { GELU: 1, TANH: gelu.tanh ? 1 : 0 }),
  };
  tape.dispatch(`matmul_${order}`, {
    matrices: {
      a,
      b,
      c,
      ...(bias && { bias }),
      ...(base && { base }),
      ...(gelu && { pre: gelu.pre }),
    },
    sizes: { rows, columns, columns4: c.width4, inner, inner4: a.width4 },
    constants,
    grid: [Math.ceil(rows / rowBlock), Math.ceil(c.width4 / (lanes * texels))],
    flops: 2 * rows * columns * inner,
  });
  return c;
}

/** The widest block up to `most` that computes no more columns than a narrower one would. */
export function texelBlock(width4: number, lanes: number, most: number): number {
  const covered = (texels: number) => Math.ceil(width4 / (lanes * texels)) * lanes * texels;
  return halveWhile(most, (texels) => texels > 1 && covered(texels) > covered(1));
}

function halveWhile(value: number, condition: (value: number) => boolean): number {
  while (condition(value)) value = Math.floor(value / 2);
  return value;
}
