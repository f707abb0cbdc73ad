import assert from "node:assert/strict";
import fc from "fast-check";
import { Matrix, solve } from "ml-matrix";
import { randomValues } from "../reference/random_values.ts";
import { solvePositive } from "./cholesky.ts";

Deno.test("the solution agrees with a general solver", () => {
  const size = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(size, size, fc.integer(), (n, cols, seed) => {
      const factor = Matrix.from1DArray(n, n, randomValues(seed, n * n));
      const matrix = factor.mmul(factor.transpose()).add(Matrix.eye(n, n));
      const right = randomValues(seed + 1, n * cols);
      const got = solvePositive(Float64Array.from(matrix.to1DArray()), n, right, cols);
      const want = solve(matrix, Matrix.from1DArray(n, cols, right)).to1DArray();
      got.forEach((value, i) => assert.ok(Math.abs(value - want[i]) < 1e-10));
    }),
    { numRuns: 60 },
  );
});

Deno.test("a matrix that is not positive definite is refused", () => {
  assert.throws(
    () => solvePositive(Float64Array.of(1, 2, 2, 1), 2, Float64Array.of(1, 1), 1),
    /Cannot solve: the matrix is not positive definite in row 1/,
  );
});
