import assert from "node:assert/strict";
import { randomValues } from "../reference/random_values.ts";
import type { EmbeddingMatrix } from "./embedding_matrix.ts";
import { ridgeRecovery } from "./ridge_recovery.ts";

const random = (seed: number, rows: number, cols: number): EmbeddingMatrix => ({
  rows,
  cols,
  data: Float64Array.from(randomValues(seed, rows * cols)),
});

Deno.test("what z does not tell is not recovered", () => {
  const { uniform, varianceWeighted } = ridgeRecovery(random(1, 400, 3), random(2, 400, 2));
  assert.ok(Math.abs(uniform) < 0.1 && Math.abs(varianceWeighted) < 0.1);
});

Deno.test("the mean over columns and the weighted one differ where columns do", () => {
  const z = random(3, 400, 1), noise = random(4, 400, 1);
  // Ten times z beside noise.
  const x: EmbeddingMatrix = {
    rows: 400,
    cols: 2,
    data: Float64Array.from(
      { length: 800 },
      (_, i) => i % 2 === 0 ? 10 * z.data[i / 2] : noise.data[(i - 1) / 2],
    ),
  };
  const { uniform, varianceWeighted } = ridgeRecovery(z, x, { lambda: 1e-6 });
  assert.ok(Math.abs(uniform - 0.5) < 0.05 && varianceWeighted > 0.97);
});

Deno.test("a column that does not vary counts as 1 where it is met, else as 0", () => {
  const z = random(5, 8, 2);
  const constant = { rows: 8, cols: 1, data: new Float64Array(8).fill(3) };
  assert.deepEqual(ridgeRecovery(z, constant), { uniform: 1, varianceWeighted: 1 });
  const step = { ...constant, data: Float64Array.of(0, 0, 0, 0, 0, 0, 3, 3) };
  assert.deepEqual(ridgeRecovery(z, step), { uniform: 0, varianceWeighted: 0 });
});

Deno.test("a regression that cannot be done is refused", () => {
  const x = random(6, 4, 2);
  assert.throws(() => ridgeRecovery(x, x, { lambda: 0 }), /lambda must be positive, got 0/);
  assert.throws(() => ridgeRecovery(x, x, { trainRows: 4 }), /of 4 rows, 4 cannot train/);
  assert.throws(() => ridgeRecovery(x, random(7, 5, 2)), /there are 5 and 4/);
});
