/** Matrix products on the tape, with what they do to their values before they are stored. */
import {
  chooseBlock,
  type ProductBlock,
  productGrid,
  type ProductOrder,
  tileBytes,
} from "../gpu/plan.ts";
import type { Constants } from "../gpu/template.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { geluConstants } from "./gelu.ts";
import type { Producer } from "./producer.ts";
import { rotationSizes } from "./rope.ts";
import type { Tape } from "./tape.ts";

/** Epilogues that every order has. */
export interface MatmulOptions {
  /** Same shape as the result, added to it. */
  base?: Tensor;
  name?: string;
  needsGradient?: boolean;
}

/** Columns of a matrix, from a multiple of four on. */
export interface ColumnRange {
  column: number;
  columns: number;
}

/** What a dispatch has beside its factors. */
interface Epilogue {
  matrices: Record<string, Tensor>;
  arrays?: Record<string, GPUBuffer>;
  sizes?: Record<string, number>;
  constants: Constants;
}

/**
 * activation(A B^T + bias + before) + base: a (M, K), b (N, K), before (M, N) -> (M, N), or
 * (M, N / 2) behind SwiGLU.
 *
 * The producer's `pre` is filled, but for a rotation. With `into`, the result is a range of that
 * tensor's columns, and the epilogues' matrices are as wide as it; not together with SwiGLU.
 */
export function matmulNT(
  tape: Tape,
  a: Tensor,
  b: Tensor,
  options: MatmulOptions & {
    bias?: Tensor;
    before?: Tensor;
    producer?: Producer;
    into?: { tensor: Tensor; column: number };
  } = {},
): Tensor {
  check("matmulNT", a.columns, b.columns);
  const { bias, before, producer, into } = options;
  const kind = producer?.activation.kind;
  if (kind === "swiglu" && into) {
    throw new RangeError("Cannot trace matmulNT: SwiGLU takes gate and up from one product");
  }
  if (kind === "swiglu" && (bias || options.base || b.rows % 8 !== 0)) {
    throw new RangeError("Cannot trace matmulNT: SwiGLU takes 8 n columns, no bias and no base");
  }
  const epilogue: Epilogue[] = [activation(producer)];
  if (bias) epilogue.push({ matrices: { bias }, constants: { BIAS: 1 } });
  if (before) epilogue.push({ matrices: { before }, constants: { BEFORE: 1 } });
  const columns = kind === "swiglu" ? b.rows / 2 : b.rows;
  return product(tape, "nt", a, b, [a.rows, b.rows, a.columns], columns, options, epilogue);
}

/**
 * A B + base: a (M, K), b (K, N) -> (M, N).
 *
 * With a `source` whose value was B's left factor once, the gradient of what lies before its
 * activation: of the shape of its `pre`. With `of`, A is that range of the columns of `a`.
 */
export function matmulNN(
  tape: Tape,
  a: Tensor,
  b: Tensor,
  options: MatmulOptions & { source?: Producer; of?: ColumnRange } = {},
): Tensor {
  const { source, of = whole(a) } = options;
  check("matmulNN", of.columns, b.rows);
  const columns = source ? source.pre.columns : b.columns;
  const epilogue = [activationGradient(source)];
  return product(tape, "nn", a, b, [a.rows, b.columns, of.columns], columns, options, epilogue);
}

/** A^T B + base: a (K, M), b (K, N) -> (M, N). With `of`, A is that range of the columns of `a`. */
export function matmulTN(
  tape: Tape,
  a: Tensor,
  b: Tensor,
  options: MatmulOptions & { of?: ColumnRange } = {},
): Tensor {
  check("matmulTN", a.rows, b.rows);
  const { of = whole(a) } = options;
  return product(tape, "tn", a, b, [of.columns, b.columns, a.rows], b.columns, options, []);
}

const whole = ({ columns }: Tensor): ColumnRange => ({ column: 0, columns });

function check(name: string, left: number, right: number): void {
  if (left !== right) {
    throw new RangeError(`Cannot trace ${name}: inner sizes ${left} and ${right} differ`);
  }
}

const NONE: Epilogue = { matrices: {}, constants: {} };

function activation(producer: Producer | undefined): Epilogue {
  if (!producer) return NONE;
  const { activation, pre } = producer;
  switch (activation.kind) {
    case "gelu":
      return {
        matrices: { pre },
        constants: { GELU: 1, KEEP: 1, ...geluConstants(activation.form) },
      };
    case "swiglu":
      return {
        matrices: { pre },
        sizes: { half4: pre.width4 / 2 },
        constants: { SWIGLU: 1, KEEP: 1 },
      };
    case "rotation": {
      const { rotation } = activation;
      return {
        matrices: { table: rotation.table },
        arrays: { positions: rotation.positions },
        sizes: rotationSizes(rotation),
        constants: { ROPE: 1 },
      };
    }
  }
}

function activationGradient(source: Producer | undefined): Epilogue {
  if (!source) return NONE;
  const { activation, pre } = source;
  const constants: Constants = activation.kind === "gelu"
    ? { GELU_GRADIENT: 1, USE: 1, ...geluConstants(activation.form) }
    : { SWIGLU_GRADIENT: 1, USE: 1 };
  return { matrices: { pre }, sizes: { half4: pre.width4 / 2 }, constants };
}

function product(
  tape: Tape,
  order: ProductOrder,
  a: Tensor,
  b: Tensor,
  [rows, columns, inner]: [number, number, number],
  resultColumns: number,
  { base, name = `product ${order}`, needsGradient = false, into, of }: MatmulOptions & {
    into?: { tensor: Tensor; column: number };
    of?: ColumnRange;
  },
  epilogues: Epilogue[],
): Tensor {
  const { plan } = tape.engine;
  const shape = { rows, columns, inner };
  const chosen = chooseBlock(plan, order, shape);
  const { constants, matrices, arrays, sizes } = merge(epilogues);
  // Gate and up of a column lie in one invocation.
  const block = constants.SWIGLU ? { ...chosen, texels: Math.max(2, chosen.texels) } : chosen;
  checkTile(tape, order, block);
  const c = into?.tensor ?? tape.tensor(name, rows, resultColumns, needsGradient);
  tape.dispatch(`${block.tile ? "matmul_tile" : "matmul"}_${order}`, {
    matrices: { a, b, c, ...matrices, ...(base && { base }) },
    arrays,
    sizes: {
      rows,
      columns,
      columns4: Math.ceil(columns / 4),
      inner,
      inner4: Math.ceil(inner / 4),
      half4: 0,
      rotated4: 0,
      head4: 1,
      a_column4: (of?.column ?? 0) / 4,
      c_column4: (into?.column ?? 0) / 4,
      ...sizes,
    },
    constants: {
      ...rowConstants(order, block),
      TEXELS: block.texels,
      SPAN: constants.SWIGLU ? block.texels / 2 : block.texels,
      ACROSS: block.across,
      DOWN: plan.lanes / block.across,
      ...constants,
      ...(base && { ADD: 1 }),
    },
    grid: productGrid(block, plan.lanes, shape),
    flops: 2 * rows * columns * inner,
  });
  return c;
}

function rowConstants(order: ProductOrder, { rows, tile }: ProductBlock): Constants {
  if (tile) return { ROWS4: rows / 4, DEPTH4: tile.depth / 4, ...(tile.half && { HALF: 1 }) };
  return order === "tn" ? { ROWS4: rows / 4 } : { ROWS: rows };
}

function checkTile({ engine }: Tape, order: ProductOrder, block: ProductBlock): void {
  const { tile, rows } = block;
  if (!tile) return;
  if (rows % 4 !== 0 || tile.depth % 4 !== 0) {
    throw new RangeError(
      `Cannot trace product ${order}: tiles take rows and depth in fours, not ${rows} and ${tile.depth}`,
    );
  }
  const bytes = tileBytes(block, engine.plan.lanes);
  const limit = engine.device.limits.maxComputeWorkgroupStorageSize;
  if (bytes > limit) {
    throw new RangeError(
      `Cannot trace product ${order}: tiles take ${bytes} bytes, and the device has ${limit}`,
    );
  }
}

function merge(epilogues: Epilogue[]): Required<Epilogue> {
  return epilogues.reduce<Required<Epilogue>>(
    (all, { matrices, arrays, sizes, constants }) => ({
      matrices: { ...all.matrices, ...matrices },
      arrays: { ...all.arrays, ...arrays },
      sizes: { ...all.sizes, ...sizes },
      constants: { ...all.constants, ...constants },
    }),
    { matrices: {}, arrays: {}, sizes: {}, constants: {} },
  );
}
