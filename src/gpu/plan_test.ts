import assert from "node:assert/strict";
import fc from "fast-check";
import {
  chooseBlock,
  defaultPlan,
  type KernelPlan,
  type ProductBlock,
  productCost,
  productGrid,
  shapeClass,
} from "./plan.ts";

const WIDE: ProductBlock = { rows: 16, texels: 4, across: 8 };
const NARROW: ProductBlock = { rows: 16, texels: 4, across: 4 };

function planOf(blocks: ProductBlock[], shapes: KernelPlan["shapes"] = {}): KernelPlan {
  return { form: "image", lanes: 8, blocks: { nt: blocks, nn: blocks, tn: blocks }, shapes };
}

const size = fc.integer({ min: 1, max: 5000 });
const shape = fc.record({ rows: size, columns: size, inner: size });
const block = fc.record({
  rows: fc.constantFrom(4, 8, 16),
  texels: fc.constantFrom(1, 2, 4),
  across: fc.constantFrom(1, 2, 4, 8),
});

Deno.test("what was measured for a shape is chosen, whatever it seems to cost", () => {
  const sizes = { rows: 500, columns: 64, inner: 64 };
  const measured: ProductBlock = { rows: 4, texels: 1, across: 1 };
  const plan = planOf([WIDE, NARROW], { [shapeClass("nt", sizes)]: measured });
  assert.equal(chooseBlock(plan, "nt", sizes), measured);
  // Only in that order, and only for that class of shapes.
  assert.notEqual(chooseBlock(plan, "nn", sizes), measured);
  assert.notEqual(chooseBlock(plan, "nt", { ...sizes, rows: 513 }), measured);
});

Deno.test("a block is chosen from those of the order", () => {
  const plan = { ...planOf([WIDE]), blocks: { nt: [WIDE], nn: [NARROW], tn: [WIDE] } };
  const sizes = { rows: 100, columns: 100, inner: 100 };
  assert.equal(chooseBlock(plan, "nt", sizes), WIDE);
  assert.equal(chooseBlock(plan, "nn", sizes), NARROW);
});

Deno.test("a matrix of few columns takes a block with few lanes across", () => {
  const plan = planOf([WIDE, NARROW]);
  // 64 columns are half of what eight lanes of 16 columns span, and all of what four do.
  assert.equal(chooseBlock(plan, "nt", { rows: 1088, columns: 64, inner: 64 }), NARROW);
  assert.equal(chooseBlock(plan, "nt", { rows: 1088, columns: 192, inner: 64 }), NARROW);
});

Deno.test("no block of a plan costs less than the one that is chosen", () => {
  const plan = defaultPlan("image", true);
  fc.assert(fc.property(shape, (sizes) => {
    const chosen = productCost(chooseBlock(plan, "nt", sizes), plan.lanes, sizes);
    for (const one of plan.blocks.nt) assert.ok(chosen <= productCost(one, plan.lanes, sizes));
  }));
});

Deno.test("more of a matrix never costs less", () => {
  const side = fc.constantFrom("rows", "columns", "inner");
  fc.assert(fc.property(shape, block, side, fc.nat(500), (sizes, one, name, more) => {
    const larger = { ...sizes, [name]: sizes[name] + more };
    assert.ok(productCost(one, 8, larger) >= productCost(one, 8, sizes));
  }));
});

Deno.test("the grid covers the matrix with no workgroup outside it", () => {
  fc.assert(fc.property(shape, block, (sizes, one) => {
    const grid = productGrid(one, 8, sizes);
    const reach = [one.rows * 8 / one.across, 4 * one.texels * one.across];
    [sizes.rows, sizes.columns].forEach((length, axis) => {
      assert.ok(grid[axis] * reach[axis] >= length, `axis ${axis} is covered`);
      assert.ok((grid[axis] - 1) * reach[axis] < length, `axis ${axis} has a workgroup too many`);
    });
  }));
});

Deno.test("shapes that round up to the same powers of two are one class", () => {
  const sizes = { rows: 1000, columns: 64, inner: 33 };
  assert.equal(shapeClass("nt", sizes), "nt 1024x64x64");
  assert.equal(shapeClass("nt", { rows: 513, columns: 33, inner: 64 }), shapeClass("nt", sizes));
  assert.notEqual(shapeClass("nt", { ...sizes, rows: 1025 }), shapeClass("nt", sizes));
  assert.notEqual(shapeClass("nt", { ...sizes, columns: 32 }), shapeClass("nt", sizes));
  assert.notEqual(shapeClass("tn", sizes), shapeClass("nt", sizes));
});

Deno.test("the lanes of every block of the default plans fill their workgroup", () => {
  for (const software of [true, false]) {
    const { lanes, blocks } = defaultPlan("image", software);
    for (const [order, list] of Object.entries(blocks)) {
      for (const { across, rows, tile } of list) {
        assert.equal(lanes % across, 0);
        if (order === "tn" || tile) assert.equal(rows % 4, 0);
      }
    }
  }
});
