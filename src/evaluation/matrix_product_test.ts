import assert from "node:assert/strict";
import fc from "fast-check";
import { randomValues } from "../reference/random_values.ts";
import { columnMeans, type EmbeddingMatrix } from "./embedding_matrix.ts";
import { columnsOf, gramMatrix, products, rowsOf, type Vectors } from "./matrix_product.ts";

const random = (seed: number, rows: number, cols: number): EmbeddingMatrix => ({
  rows,
  cols,
  data: Float64Array.from(randomValues(seed, rows * cols)),
});

/** Number k of vector i, the plain way. */
function at(v: Vectors, i: number, k: number): number {
  return v.data[v.start + i * v.stride + k * v.step] -
    (v.shift?.[i * v.shiftStride + k * v.shiftStep] ?? 0);
}

function plainProducts(a: Vectors, b: Vectors): number[] {
  return Array.from({ length: a.count * b.count }, (_, place) => {
    const i = Math.floor(place / b.count), j = place % b.count;
    let sum = 0;
    for (let k = 0; k < a.depth; k++) sum += at(a, i, k) * at(b, j, k);
    return sum;
  });
}

const close = (got: Float64Array, want: number[]) => {
  assert.equal(got.length, want.length);
  got.forEach((value, i) =>
    assert.ok(Math.abs(value - want[i]) < 1e-12 * 300, `place ${i}: ${value} is not ${want[i]}`)
  );
};

Deno.test("products of any shape equal the plain loops", () => {
  const size = fc.integer({ min: 1, max: 23 });
  fc.assert(
    fc.property(size, size, size, fc.boolean(), (m, n, depth, centred) => {
      const a = random(m, m, depth), b = random(n + 50, n, depth);
      const means = centred ? columnMeans(a) : undefined;
      const rows = [rowsOf(a, means), rowsOf(b, means)] as const;
      close(products(...rows), plainProducts(...rows));
      const x = random(m, depth, m), z = random(n, depth, n);
      const columns = [columnsOf(x, centred ? columnMeans(x) : undefined), columnsOf(z)] as const;
      close(products(...columns), plainProducts(...columns));
      close(gramMatrix(columns[0]), plainProducts(columns[0], columns[0]));
    }),
    { numRuns: 60 },
  );
});

Deno.test("products equal the plain loops past every block's edge", () => {
  const x = random(1, 520, 200), z = random(2, 520, 7);
  const [a, b] = [columnsOf(x, columnMeans(x), 1, 519), columnsOf(z, undefined, 1, 519)];
  close(products(a, b), plainProducts(a, b));
  close(gramMatrix(a), plainProducts(a, a));
});

Deno.test("a small spread beside a large mean keeps its digits", () => {
  const far = random(3, 300, 4), x = { ...far, data: far.data.map((value) => value + 2 ** 20) };
  const exact = gramMatrix(columnsOf(far, columnMeans(far)));
  const got = gramMatrix(columnsOf(x, columnMeans(x)));
  // The sum has 20 bits less of it than the spread alone.
  got.forEach((value, i) => assert.ok(Math.abs(value - exact[i]) < 1e-7));
});

Deno.test("vectors of different lengths have no products", () => {
  assert.throws(
    () => products(rowsOf(random(1, 2, 3)), rowsOf(random(1, 2, 4))),
    /Cannot multiply: vectors have 3 and 4 numbers/,
  );
});
