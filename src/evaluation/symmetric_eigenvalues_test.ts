import assert from "node:assert/strict";
import fc from "fast-check";
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { randomValues } from "../reference/random_values.ts";
import { symmetricEigenvalues } from "./symmetric_eigenvalues.ts";

function symmetric(seed: number, size: number): Float64Array {
  const values = randomValues(seed, size * size);
  return values.map((_, at) => {
    const i = Math.floor(at / size), j = at % size;
    return i < j ? values[j * size + i] : values[at];
  });
}

function close(got: Float64Array, want: readonly number[]): void {
  assert.equal(got.length, want.length);
  const scale = Math.max(1e-300, ...want.map(Math.abs));
  got.forEach((value, i) => assert.ok(Math.abs(value - want[i]) <= 1e-13 * scale * want.length));
}

Deno.test("eigenvalues agree with a decomposition that makes eigenvectors too", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), (size, seed) => {
      const matrix = symmetric(seed, size);
      const { realEigenvalues } = new EigenvalueDecomposition(
        Matrix.from1DArray(size, size, matrix),
        { assumeSymmetric: true },
      );
      close(symmetricEigenvalues(matrix, size), realEigenvalues.sort((a, b) => b - a));
    }),
    { numRuns: 60 },
  );
});

Deno.test("known eigenvalues come out", () => {
  // Second differences: 2 - 2 cos(k pi / (n + 1)).
  const size = 30;
  const differences = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    differences[i * (size + 1)] = 2;
    if (i > 0) differences[i * (size + 1) - 1] = differences[i * (size + 1) - size] = -1;
  }
  close(
    symmetricEigenvalues(differences, size),
    Array.from({ length: size }, (_, i) => 2 - 2 * Math.cos((size - i) * Math.PI / (size + 1))),
  );
  // Every eigenvalue but one is 0 many times over.
  close(symmetricEigenvalues(new Float64Array(size * size).fill(1), size), [
    size,
    ...Array(size - 1).fill(0),
  ]);
  close(symmetricEigenvalues(Float64Array.of(3, 0, 0, 0, -1, 0, 0, 0, 5), 3), [5, 3, -1]);
  close(symmetricEigenvalues(new Float64Array(9), 3), [0, 0, 0]);
  // Squares of these are no numbers.
  const tiny = Float64Array.of(2, 1, 1, 1, 2, 1, 1, 1, 2).map((value) => value * 2 ** -600);
  close(symmetricEigenvalues(tiny, 3), [4, 1, 1].map((value) => value * 2 ** -600));
});

Deno.test("a matrix with a number that is not finite has no eigenvalues", () => {
  assert.deepEqual([...symmetricEigenvalues(Float64Array.of(1, NaN, NaN, 1), 2)], [NaN, NaN]);
  assert.deepEqual([...symmetricEigenvalues(Float64Array.of(Infinity), 1)], [NaN]);
});
