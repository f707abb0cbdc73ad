import assert from "node:assert/strict";
import { randomValues } from "../reference/random_values.ts";
import type { EmbeddingMatrix } from "./embedding_matrix.ts";
import { neighbourOverlap } from "./neighbour_overlap.ts";
import { pairStatistics } from "./pair_statistics.ts";

const random = (seed: number, rows: number, cols: number): EmbeddingMatrix => ({
  rows,
  cols,
  data: Float64Array.from(randomValues(seed, rows * cols)),
});
const row = ({ cols, data }: EmbeddingMatrix, i: number) => data.slice(i * cols, (i + 1) * cols);
const squaredDistance = (matrix: EmbeddingMatrix, i: number, j: number) => {
  const b = row(matrix, j);
  return [...row(matrix, i)].reduce((sum, a, k) => sum + (a - b[k]) ** 2, 0);
};

Deno.test("the nearest rows are those of explicit distances, past a block's edge too", () => {
  const matrix = random(1, 300, 5);
  const { neighbours } = pairStatistics(matrix, { neighbours: 4 });
  neighbours.forEach((nearest, i) => {
    const others = [...Array(300).keys()].filter((j) => j !== i);
    const sorted = others.sort((a, b) =>
      squaredDistance(matrix, i, a) - squaredDistance(matrix, i, b)
    );
    assert.deepEqual(nearest, sorted.slice(0, 4));
  });
});

Deno.test("neighbours are found far from the origin as well", () => {
  const near = random(2, 60, 3);
  const far = { ...near, data: near.data.map((value) => value + 2 ** 16) };
  const nearest = (matrix: EmbeddingMatrix) => pairStatistics(matrix, { neighbours: 5 }).neighbours;
  assert.deepEqual(nearest(far), nearest(near));
});

Deno.test("cosines fall into their bins, a row's own left out", () => {
  const z = { rows: 3, cols: 2, data: Float32Array.of(1, 0, 0, 2, -1, 0) };
  const { cosineCounts } = pairStatistics(z, { bins: 4 });
  // -1 of one pair, 0 of two, each seen from both sides.
  assert.deepEqual(cosineCounts, [2, 0, 4, 0]);
  const collapsed = { rows: 4, cols: 3, data: new Float32Array(12).fill(0.1) };
  const { cosineCounts: high, uniformity } = pairStatistics(collapsed, { bins: 4 });
  assert.deepEqual(high, [0, 0, 0, 12]);
  assert.ok(Math.abs(uniformity) < 1e-12);
});

Deno.test("of equally near rows the lower number is nearer", () => {
  const z = { rows: 5, cols: 1, data: Float64Array.of(0, 1, -1, 1, -1) };
  assert.deepEqual(pairStatistics(z, { queries: [0], neighbours: 2 }).neighbours, [[1, 2]]);
});

Deno.test("some queries give the mean over them", () => {
  const x = random(3, 50, 4), z = random(4, 50, 4);
  const one = (query: number) => neighbourOverlap(x, z, 10, [query]);
  const both = neighbourOverlap(x, z, 10, [3, 30]);
  assert.ok(Math.abs(both - (one(3) + one(30)) / 2) < 1e-12);
});

Deno.test("more neighbours than other rows are refused", () => {
  assert.throws(
    () => pairStatistics(random(5, 10, 2), { neighbours: 10 }),
    /Cannot find 10 neighbours: there are 9 other rows/,
  );
});
