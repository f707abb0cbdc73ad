/** Matrix products of random sizes with random blocks, epilogues and places of their operands. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Engine } from "../gpu/engine.ts";
import { isMatrix, type MatrixPlace } from "../gpu/kernel.ts";
import { KERNELS } from "../gpu/kernel_files.ts";
import type { ProductBlock, ProductOrder, ProductShape } from "../gpu/plan.ts";
import type { Constants } from "../gpu/template.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import type { Bench } from "./bench.ts";
import { productNN, productNT, productTN } from "./products.ts";
import { runCases } from "./self_test.ts";

const PRODUCTS: Record<ProductOrder, (bench: Bench, shape: ProductShape) => void> = {
  nt: productNT,
  nn: productNN,
  tn: productTN,
};

/** What each order can do to a value before it is stored. */
const EPILOGUES: Record<ProductOrder, Constants[]> = {
  nt: [
    {},
    { BIAS: 1 },
    { BIAS: 1, ADD: 1 },
    { BIAS: 1, GELU: 1, KEEP: 1, TANH: 0 },
    { GELU: 1, KEEP: 1, TANH: 1 },
    { SWIGLU: 1, KEEP: 1 },
    { BIAS: 1, ROPE: 1 },
    { BEFORE: 1, ADD: 1 },
    { BEFORE: 1, ROPE: 1 },
    { BEFORE: 1, SWIGLU: 1, KEEP: 1 },
    { BIAS: 1, BEFORE: 1, GELU: 1, KEEP: 1, TANH: 0 },
  ],
  nn: [
    {},
    { ADD: 1 },
    { GELU_GRADIENT: 1, USE: 1, TANH: 0 },
    { GELU_GRADIENT: 1, USE: 1, TANH: 1, ADD: 1 },
    { SWIGLU_GRADIENT: 1, USE: 1 },
    { SWIGLU_GRADIENT: 1, USE: 1, ADD: 1 },
  ],
  tn: [{}, { ADD: 1 }],
};

/** Beside the plan's own blocks, two that leave workgroups of another shape. */
const blocksOf = ({ plan }: Engine, order: ProductOrder): ProductBlock[] => [
  ...plan.blocks[order],
  { rows: 4, texels: 2, across: 1 },
  { rows: 8, texels: 2, across: 2, tile: { depth: 8, half: false } },
];

function blockConstants(
  { rows, texels, across, tile }: ProductBlock,
  { plan }: Engine,
  order: ProductOrder,
  swiglu: boolean,
): Constants {
  const pairs = swiglu ? Math.max(2, texels) : texels;
  return {
    ...(tile || order === "tn" ? { ROWS4: rows / 4 } : { ROWS: rows }),
    ...(tile && { DEPTH4: tile.depth / 4 }),
    TEXELS: pairs,
    SPAN: swiglu ? pairs / 2 : pairs,
    ACROSS: across,
    DOWN: plan.lanes / across,
  };
}

for (const engine of await testEngines()) {
  const places: MatrixPlace[] = engine.plan.form === "image"
    ? ["image", "buffer", "folded image"]
    : ["buffer"];
  for (const order of ["nt", "nn", "tn"] as const) {
    Deno.test(`products ${order} of random sizes with random blocks and epilogues ${formOf(engine)}`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.record({
            rows: fc.integer({ min: 1, max: 300 }),
            columns: fc.integer({ min: 1, max: 300 }),
            inner: fc.integer({ min: 1, max: 300 }),
          }),
          fc.constantFrom(...blocksOf(engine, order)),
          fc.constantFrom(...EPILOGUES[order]),
          fc.array(fc.constantFrom(...places), { minLength: 6, maxLength: 6 }),
          async (shape, block, epilogue, chosen) => {
            const constants = {
              ...blockConstants(block, engine, order, epilogue.SWIGLU === 1),
              ...epilogue,
            };
            const template = KERNELS.get(`${block.tile ? "matmul_tile" : "matmul"}_${order}`)!;
            const matrices = template.operands.filter((operand) =>
              isMatrix(operand) && (!operand.condition || constants[operand.condition])
            );
            const variant = {
              template,
              constants,
              places: Object.fromEntries(matrices.map(({ name }, i) => [name, chosen[i]])),
            };
            const trace = (bench: Bench) => PRODUCTS[order](bench, shape);
            const [{ kernel, maxError, passed }] = await runCases(engine, [[variant, trace]]);
            assert.ok(passed, `${kernel} is off by ${maxError}`);
          },
        ),
        // Nearly every run has a pipeline to compile, so few of them and no shrinking.
        { numRuns: { nt: 12, nn: 9, tn: 6 }[order], endOnFailure: true },
      ));
  }
}
