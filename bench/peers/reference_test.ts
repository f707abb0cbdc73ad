import assert from "node:assert/strict";
import { computeReference, referenceOf, relativeError, sampledRows } from "./reference.ts";
import type { Task } from "./subject.ts";

const floats = (...values: number[]) => Float32Array.from(values);

Deno.test("the reference of a product is the product", () => {
  const task: Task = {
    kernel: "matmul",
    rows: 2,
    inner: 2,
    columns: 3,
    a: floats(1, 2, 3, 4),
    b: floats(1, 0, 2, 0, 1, 3),
  };
  const reference = computeReference(task);
  assert.deepEqual([...reference.c.values], [1, 2, 8, 3, 4, 18]);
  assert.equal(relativeError({ c: [1, 2, 8, 3, 4, 18] }, reference), 0);
  assert.equal(relativeError({ c: [1, 2, 8, 3, 4, 18.18] }, reference), (18.18 - 18) / 18);
});

Deno.test("of a large product some rows are checked, the first and the last among them", () => {
  const rows = 100;
  const a = Float32Array.from({ length: rows }, (_, row) => row + 1);
  const reference = computeReference({
    kernel: "matmul",
    rows,
    inner: 1,
    columns: 1,
    a,
    b: floats(2),
  });
  const sampled = sampledRows(rows);
  assert.equal(sampled.length, 16);
  assert.deepEqual([sampled[0], sampled.at(-1), new Set(sampled).size], [0, 99, 16]);
  const right = Array.from(a, (value) => 2 * value);
  assert.equal(relativeError({ c: right }, reference), 0);
  assert.ok(relativeError({ c: right.with(sampled[7], 0) }, reference) > 0.1);
});

Deno.test("the gradients of the cosine loss are those of finite differences", () => {
  const [rows, columns] = [3, 5];
  const x = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i + 1));
  const y = Float32Array.from({ length: rows * columns }, (_, i) => Math.cos(3 * i));
  const lossOf = (x: Float32Array<ArrayBuffer>, y: Float32Array<ArrayBuffer>) =>
    computeReference({ kernel: "cosine-loss-forward", rows, columns, x, y }).loss.values[0];
  const { loss, dx, dy } = computeReference({ kernel: "cosine-loss", rows, columns, x, y });
  assert.equal(loss.values[0], lossOf(x, y));
  // The step is a power of two, or the float32 inputs would round it away.
  const step = 2 ** -9;
  for (let i = 0; i < rows * columns; i++) {
    for (const [side, gradient] of [[x, dx], [y, dy]] as const) {
      const moved = (by: number) => side.with(i, side[i] + by);
      const at = (by: number) => side === x ? lossOf(moved(by), y) : lossOf(x, moved(by));
      const difference = (at(step) - at(-step)) / (2 * step);
      assert.ok(Math.abs(difference - gradient.values[i]) < 1e-5, `${i}: ${difference}`);
    }
  }
});

Deno.test("a result that is no number is infinitely wrong, a missing one is an error", () => {
  const reference = referenceOf({ tokenLoss: [1, 2] });
  assert.equal(relativeError({ tokenLoss: [1, NaN] }, reference), Infinity);
  assert.throws(
    () => relativeError({}, reference),
    new RangeError('Cannot check "tokenLoss": there is no such result'),
  );
  assert.throws(
    () => relativeError({ tokenLoss: [1] }, reference),
    new RangeError('Cannot check "tokenLoss": it has 1 values'),
  );
});
