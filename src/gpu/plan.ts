/**
 * The kernel plan: in which form operands live and how large the register blocks are.
 *
 * A plan changes the order of sums, so a study keeps one plan for all of its runs and records it.
 */

/**
 * Where a matrix lives.
 *
 * - `image`: a storage texture `rgba32float`, four columns a texel. On software adapters, which
 *   turn a storage-buffer load into a branchy loop per lane, this is many times faster.
 * - `buffer`: a storage buffer of `vec4f`, row-major.
 */
export type OperandForm = "image" | "buffer";

/** The orders of a matrix product: A B^T, A B, A^T B. */
export type ProductOrder = "nt" | "nn" | "tn";

/** Tiles of both factors that a workgroup shares, so that each element is read once for all its lanes. */
export interface ProductTile {
  /** Inner indices of a tile: a multiple of four. */
  depth: number;
  /** Whether tiles are float16, on a device with `shader-f16`. Sums are float32 always. */
  half: boolean;
}

/** How the lanes of a workgroup share out a matrix product. */
export interface ProductBlock {
  /** Rows that an invocation owns: a multiple of four in the order `tn` and with tiles. */
  rows: number;
  /** Groups of four columns that an invocation owns. */
  texels: number;
  /** Lanes side by side; the others stand below them. A divisor of the plan's lanes. */
  across: number;
  /** Without it, each lane reads its factors itself. */
  tile?: ProductTile;
}

/** Bytes of workgroup memory that a block's tiles take; WebGPU promises 16384. */
export function tileBytes({ rows, texels, across, tile }: ProductBlock, lanes: number): number {
  if (!tile) return 0;
  const elements = (rows * lanes / across + 4 * texels * across) * tile.depth;
  return elements * (tile.half ? 2 : 4);
}

/** Size of a product: C (rows, columns), summed over `inner`. */
export interface ProductShape {
  rows: number;
  columns: number;
  inner: number;
}

/** What decides which kernel variants run. */
export interface KernelPlan {
  form: OperandForm;
  /** Invocations a workgroup. */
  lanes: number;
  /** Blocks to choose from in each order. Few, for each one that is used must be compiled. */
  blocks: Record<ProductOrder, ProductBlock[]>;
  /** Measured choices by {@linkcode shapeClass}; other shapes go by {@linkcode productCost}. */
  shapes: Record<string, ProductBlock>;
}

/** Shapes whose sizes round up to the same powers of two are one class. */
export function shapeClass(order: ProductOrder, { rows, columns, inner }: ProductShape): string {
  const up = (size: number) => 2 ** Math.ceil(Math.log2(size));
  return `${order} ${up(rows)}x${up(columns)}x${up(inner)}`;
}

/** The block of a product: as measured, else the cheapest by {@linkcode productCost}. */
export function chooseBlock(
  plan: KernelPlan,
  order: ProductOrder,
  shape: ProductShape,
): ProductBlock {
  const measured = plan.shapes[shapeClass(order, shape)];
  if (measured) return measured;
  const cost = (block: ProductBlock) => productCost(block, plan.lanes, shape);
  return plan.blocks[order].reduce((best, block) => cost(block) < cost(best) ? block : best);
}

/** Workgroups of a product. */
export function productGrid(
  { rows, texels, across }: ProductBlock,
  lanes: number,
  shape: ProductShape,
): [number, number] {
  const down = lanes / across;
  return [Math.ceil(shape.rows / (rows * down)), Math.ceil(shape.columns / (4 * texels * across))];
}

// Cycles of a vector of lanes, fitted to timings of ten blocks on lavapipe with 16 lanes: an image
// load of four numbers a lane is assembled from one load a lane, a multiplication and addition is two
// instructions on registers that mostly live in the first cache.
const LOAD_CYCLES = 51;
const MULTIPLY_ADD_CYCLES = 1.4;
// A workgroup stores its block and finds its place; a launch more of them waits longer for the last.
const STORE_CYCLES = 60;
const WORKERS = 2;

/**
 * Predicted cost of a product on a software adapter, in cycles of one core; only its order counts.
 *
 * For every four inner indices an invocation loads `rows` groups of A and `4 texels` of B and does
 * `16 rows texels` multiplications with addition a lane, whether or not they lie inside C. Cores take
 * whole workgroups.
 */
export function productCost(block: ProductBlock, lanes: number, shape: ProductShape): number {
  const { rows, texels } = block;
  const [down, across] = productGrid(block, lanes, shape);
  const rounds = Math.ceil(down * across / WORKERS);
  const step = LOAD_CYCLES * (rows + 4 * texels) + MULTIPLY_ADD_CYCLES * 16 * rows * texels;
  return rounds * (Math.ceil(shape.inner / 4) * step + STORE_CYCLES * rows * texels);
}

/**
 * The plan for an operand form when nothing has been measured.
 *
 * @param lanes Invocations that a software adapter runs as one vector
 */
export function defaultPlan(form: OperandForm, software: boolean, lanes = 8): KernelPlan {
  const each = (blocks: ProductBlock[]) => ({ nt: blocks, nn: blocks, tn: blocks });
  // A GPU wants more lanes, smaller blocks and shared tiles. A guess: it was never timed on one.
  if (!software) {
    const tile = { depth: 16, half: false };
    return { form, lanes: 64, blocks: each([{ rows: 4, texels: 1, across: 8, tile }]), shapes: {} };
  }
  return {
    form,
    lanes,
    blocks: each([
      // The first of those that cost the same is taken: lanes side by side read neighbouring texels.
      { rows: 16, texels: 4, across: lanes },
      { rows: 16, texels: 4, across: 4 },
      { rows: 8, texels: 4, across: 4 },
      { rows: 8, texels: 2, across: lanes },
    ]),
    shapes: {},
  };
}
