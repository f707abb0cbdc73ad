import assert from "node:assert/strict";
import fc from "fast-check";
import { orthonormalColumns } from "./orthonormal.ts";
import { stream } from "./random.ts";

Deno.test("columns are orthonormal", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 0, max: 20 }),
      fc.integer(),
      (columns, more, seed) => {
        const rows = columns + more;
        const matrix = orthonormalColumns(rows, columns, stream(seed, "basis"));
        for (let a = 0; a < columns; a++) {
          for (let b = 0; b <= a; b++) {
            let sum = 0;
            for (let row = 0; row < rows; row++) {
              sum += matrix[row * columns + a] * matrix[row * columns + b];
            }
            assert.ok(Math.abs(sum - (a === b ? 1 : 0)) < 1e-12);
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("more columns than rows are refused", () => {
  assert.throws(() => orthonormalColumns(2, 3, stream(1, "basis")), {
    name: "RangeError",
    message: "Cannot draw orthonormal columns: 3 columns of 2 rows depend on each other",
  });
});
