import assert from "node:assert/strict";
import { randomValues } from "../reference/random_values.ts";
import type { EmbeddingMatrix } from "./embedding_matrix.ts";
import { principalScores } from "./principal_components.ts";
import { singularValues } from "./singular_values.ts";

const random = (seed: number, rows: number, cols: number): EmbeddingMatrix => ({
  rows,
  cols,
  data: Float64Array.from(randomValues(seed, rows * cols)),
});

Deno.test("scores have the variance of the singular values, and no correlation", () => {
  const matrix = random(1, 30, 6);
  const { scores, explained } = principalScores(matrix, 6);
  const values = singularValues(matrix, { centred: true }).map((value) => value ** 2);
  const total = values.reduce((a, b) => a + b, 0);
  for (let a = 0; a < 6; a++) {
    assert.ok(Math.abs(explained[a] - values[a] / total) < 1e-10);
    for (let b = 0; b <= a; b++) {
      const dot = scores.reduce((sum, row) => sum + row[a] * row[b], 0);
      assert.ok(Math.abs(dot - (a === b ? values[a] : 0)) < 1e-9);
    }
  }
});

Deno.test("all components together keep every distance", () => {
  const matrix = random(2, 8, 3);
  const { scores } = principalScores(matrix, 3);
  const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Math.hypot(...Array.from(a, (value, k) => value - b[k]));
  const row = (i: number) => matrix.data.slice(3 * i, 3 * i + 3);
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j < i; j++) {
      assert.ok(Math.abs(distance(scores[i], scores[j]) - distance(row(i), row(j))) < 1e-9);
    }
  }
});

Deno.test("rows that do not vary lie at the origin", () => {
  const equal = { rows: 3, cols: 2, data: new Float32Array(6).fill(2) };
  assert.deepEqual(principalScores(equal, 2), {
    scores: [[0, 0], [0, 0], [0, 0]],
    explained: [0, 0],
  });
  // One row has one eigenvalue, and it is 0.
  assert.deepEqual(principalScores(random(3, 1, 2), 2).scores, [[0, 0]]);
});
