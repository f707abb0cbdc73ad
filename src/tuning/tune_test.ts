/** The tuner on the adapter at hand: what it may choose, what it measures, what it leaves behind. */
import assert from "node:assert/strict";
import { withPlan } from "../gpu/engine.ts";
import { chooseBlock, type ProductBlock } from "../gpu/plan.ts";
import { randomValues } from "../reference/random_values.ts";
import { matmulNN, matmulNT, matmulTN } from "../tensor/matmul.ts";
import { formOf, runOnce, testEngines, upload } from "../testing/gpu.ts";
import { candidateBlocks, gpuBlocks, registerBlocks } from "./candidates.ts";
import type { ProductClass } from "./products.ts";
import { pick, same, tune } from "./tune.ts";

const block = (rows: number): ProductBlock => ({ rows, texels: 1, across: 8 });
const SMALL: ProductClass = {
  name: "nn 64x64x32",
  order: "nn",
  shape: { rows: 50, columns: 40, inner: 20 },
  count: 3,
  flops: 3,
};

Deno.test("the fastest block is picked, but one that is compiled if it is about as fast", () => {
  const timings = [
    { block: block(4), milliseconds: 10 },
    { block: block(8), milliseconds: 9.5 },
    { block: block(16), milliseconds: 20 },
  ];
  assert.deepEqual(pick(timings, []), block(8));
  assert.deepEqual(pick(timings, [block(4)]), block(4));
  assert.deepEqual(pick(timings, [block(16)]), block(8));
  assert.equal(pick([], [block(4)]), undefined);
});

Deno.test("every candidate fills its workgroup and fits the workgroup memory", () => {
  for (const lanes of [4, 8, 16]) {
    for (const { rows, across } of registerBlocks(lanes)) {
      assert.equal(rows % 4, 0);
      assert.equal(lanes % across, 0);
    }
  }
  for (const { across, rows } of gpuBlocks(64, true)) {
    assert.equal(rows % 4, 0);
    assert.equal(64 % across, 0);
  }
  assert.ok(gpuBlocks(64, false).every(({ tile }) => !tile?.half));
  assert.ok(gpuBlocks(64, true).some(({ tile }) => tile?.half));
});

for (const engine of await testEngines()) {
  Deno.test(`the tuner times blocks and keeps the fastest ${formOf(engine)}`, async () => {
    const before = engine.memory.bytes;
    const asked: string[] = [];
    const { plan, tuned } = await tune(engine, [SMALL], {
      rounds: 3,
      candidates: 3,
      onClass: (name) => asked.push(name),
    });
    assert.equal(engine.memory.bytes, before);
    assert.deepEqual(asked, [SMALL.name]);
    const [{ timings, chosen, before: untuned }] = tuned;
    assert.equal(timings.length, 3);
    assert.ok(timings.every(({ milliseconds }) => milliseconds > 0));
    assert.ok(timings.some((timing) => same(timing.block, untuned)));
    const fastest = Math.min(...timings.map(({ milliseconds }) => milliseconds));
    assert.equal(timings.find((timing) => same(timing.block, chosen))!.milliseconds, fastest);
    assert.deepEqual(plan.shapes, { ...engine.plan.shapes, [SMALL.name]: chosen });
    assert.deepEqual(chooseBlock(plan, "nn", SMALL.shape), chosen);
  });

  Deno.test(`a tuner without time changes nothing ${formOf(engine)}`, async () => {
    const { plan, tuned } = await tune(engine, [SMALL], { seconds: 0 });
    assert.deepEqual(plan, engine.plan);
    assert.deepEqual(tuned, []);
  });

  Deno.test(`a class that the time runs out for keeps its block, and is timed again ${formOf(engine)}`, async () => {
    const { plan, tuned } = await tune(engine, [SMALL], {
      seconds: 0.02,
      candidates: 3,
      onClass: () => {
        const end = performance.now() + 50;
        while (performance.now() < end);
      },
    });
    assert.deepEqual(plan, engine.plan);
    assert.deepEqual(tuned, []);
  });

  Deno.test(`no choice among register blocks changes one bit of a product ${formOf(engine)}`, async () => {
    const [M, N, K] = [37, 45, 29];
    const matrix = (rows: number, columns: number) =>
      upload(engine, "m", { rows, columns }, randomValues(rows, rows * columns));
    const operands = {
      nt: [matrix(M, K), matrix(N, K), matmulNT],
      nn: [matrix(M, K), matrix(K, N), matmulNN],
      tn: [matrix(K, M), matrix(K, N), matmulTN],
    } as const;
    const blocks = candidateBlocks(engine, false).filter(({ tile }) => !tile);
    const chosen = blocks.filter((_, i) => i % 4 === 0);
    for (const order of ["nt", "nn", "tn"] as const) {
      const [a, b, multiply] = operands[order];
      const results: Float32Array[] = [];
      for (const one of chosen) {
        const forced = withPlan(engine, {
          ...engine.plan,
          blocks: { ...engine.plan.blocks, [order]: [one] },
          shapes: {},
        });
        results.push((await runOnce(forced, (tape) => ({ c: multiply(tape, a, b) }))).c);
      }
      for (const result of results) assert.deepEqual(result, results[0]);
    }
  });
}
