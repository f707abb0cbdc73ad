/**
 * The tuner: times a few register blocks for every class of products that a study does, on the
 * adapter at hand, and keeps the fastest.
 *
 * Timestamps of the GPU are compared, never wall time. A block that has not been compiled yet must
 * be clearly faster than one that has, since each costs a cold start some tenths of a second. All blocks of
 * one kernel add in the same order, so a choice changes the time and not one bit of the result;
 * tiles in half precision would, and are only tried when asked for.
 */
import { min } from "simple-statistics";
import { type Engine, withPlan } from "../gpu/engine.ts";
import { writeMatrix } from "../gpu/memory.ts";
import {
  chooseBlock,
  type KernelPlan,
  type ProductBlock,
  productCost,
  type ProductOrder,
  shapeClass,
} from "../gpu/plan.ts";
import { compileProgram, type Program } from "../gpu/program.ts";
import { freeTensor, ownTensor, type Tensor } from "../gpu/tensor.ts";
import { matmulNN, matmulNT, matmulTN } from "../tensor/matmul.ts";
import { createTape } from "../tensor/tape.ts";
import { candidateBlocks } from "./candidates.ts";
import type { ProductClass } from "./products.ts";

/** What the tuner found for a class. */
export interface TunedClass {
  name: string;
  count: number;
  flops: number;
  /** What runs untuned. */
  before: ProductBlock;
  chosen: ProductBlock;
  /** Milliseconds of one product of the class: the shortest of several. */
  timings: { block: ProductBlock; milliseconds: number }[];
}

/** What the tuner may do. */
export interface TuneOptions {
  /** Stops trying after so much time; classes that not all blocks were timed for keep theirs. */
  seconds?: number;
  /** Rounds over the candidates. */
  rounds?: number;
  /**
   * How many of all possible blocks are tried for a class, the cheapest by prediction; those of the
   * plan when absent. A plan with one block only has all of them tried.
   */
  candidates?: number;
  /** Also tries tiles in half precision. */
  half?: boolean;
  /** Called before a class is timed. */
  onClass?(name: string): void;
}

/** A block in use already is kept unless another takes less than this share of its time. */
const WORTH_COMPILING = 0.93;

/**
 * Tunes a plan for these classes of products.
 *
 * Without timestamp queries nothing can be compared, and the plan comes back as it was.
 *
 * @returns the plan with its choices, and what was measured
 */
export async function tune(
  engine: Engine,
  classes: readonly ProductClass[],
  options: TuneOptions = {},
): Promise<{ plan: KernelPlan; tuned: TunedClass[] }> {
  const { seconds = 6, rounds = 5, candidates, half = false, onClass } = options;
  const { plan } = engine;
  const tuned: TunedClass[] = [];
  if (!engine.device.features.has("timestamp-query")) return { plan, tuned };
  const end = performance.now() + 1000 * seconds;
  const compiled: Record<ProductOrder, ProductBlock[]> = { nt: [], nn: [], tn: [] };
  for (const { name, order, shape, count, flops } of classes) {
    if (performance.now() > end) break;
    onClass?.(name);
    const before = chooseBlock(plan, order, shape);
    const cost = (block: ProductBlock) => productCost(block, plan.lanes, shape);
    const all = [before, ...candidateBlocks(engine, half).sort((a, b) => cost(a) - cost(b))];
    // A plan without a choice is a GPU's: it compiles fast, and the prediction is not made for it.
    const limit = plan.blocks[order].length > 1 ? candidates : all.length;
    const tried = limit === undefined ? plan.blocks[order] : distinct(all).slice(0, limit);
    const timings = await timeBlocks(engine, order, shape, tried, rounds, end);
    if (timings === null) break;
    const chosen = pick(timings, compiled[order]) ?? before;
    if (!compiled[order].some((block) => same(block, chosen))) compiled[order].push(chosen);
    tuned.push({ name, count, flops, before, chosen, timings });
  }
  const shapes = Object.fromEntries(tuned.map(({ name, chosen }) => [name, chosen]));
  return { plan: { ...plan, shapes: { ...plan.shapes, ...shapes } }, tuned };
}

/** The fastest block; one of those compiled already if it is about as fast. */
export function pick(
  timings: readonly { block: ProductBlock; milliseconds: number }[],
  compiled: readonly ProductBlock[],
): ProductBlock | undefined {
  const byTime = timings.toSorted((a, b) => a.milliseconds - b.milliseconds);
  const known = byTime.find(({ block }) => compiled.some((other) => same(block, other)));
  const [best] = byTime;
  return known && best.milliseconds > WORTH_COMPILING * known.milliseconds
    ? known.block
    : best?.block;
}

/** Whether two blocks are one. */
export function same(a: ProductBlock, b: ProductBlock): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function distinct(blocks: ProductBlock[]): ProductBlock[] {
  return blocks.filter((block, i) => blocks.findIndex((other) => same(block, other)) === i);
}

/**
 * Shortest times over rounds in which the blocks take turns: what disturbs a run only adds to it. Null
 * where the time was over before all were compiled: the first ones are not the best ones.
 */
async function timeBlocks(
  engine: Engine,
  order: ProductOrder,
  shape: ProductClass["shape"],
  blocks: ProductBlock[],
  rounds: number,
  end: number,
): Promise<{ block: ProductBlock; milliseconds: number }[] | null> {
  const { rows, columns, inner } = shape;
  const operands = {
    nt: { a: [rows, inner], b: [columns, inner], multiply: matmulNT },
    nn: { a: [rows, inner], b: [inner, columns], multiply: matmulNN },
    tn: { a: [inner, rows], b: [inner, columns], multiply: matmulTN },
  }[order];
  const a = randomMatrix(engine, operands.a[0], operands.a[1]);
  const b = randomMatrix(engine, operands.b[0], operands.b[1]);
  const programs: { block: ProductBlock; program: Program }[] = [];
  const samples = new Map<ProductBlock, number[]>(blocks.map((block) => [block, []]));
  try {
    for (const block of blocks) {
      if (performance.now() > end) return null;
      const forced = { ...engine.plan, shapes: { [shapeClass(order, shape)]: block } };
      const trial = withPlan(engine, forced);
      const tape = createTape(trial);
      operands.multiply(tape, a, b);
      const program = compileProgram(trial, tape.commands);
      programs.push({ block, program });
      // The first run compiles.
      await program.profile();
    }
    for (let round = 0; round < rounds; round++) {
      for (const { block, program } of programs) {
        const [{ milliseconds }] = await program.profile();
        samples.get(block)!.push(milliseconds);
      }
    }
  } finally {
    for (const { program } of programs) program.destroy();
    for (const tensor of [a, b]) freeTensor(engine, tensor);
  }
  return programs.map(({ block }) => ({ block, milliseconds: min(samples.get(block)!) }));
}

/** A matrix of small numbers that are no special case for a multiplier. */
function randomMatrix(engine: Engine, rows: number, columns: number): Tensor {
  const tensor = ownTensor(engine, "tuned", { rows, columns });
  const values = Float32Array.from({ length: rows * columns }, (_, i) => (i * 7919 % 1009) / 1009);
  writeMatrix(engine.device, tensor.matrix!, values);
  return tensor;
}
