import assert from "node:assert/strict";
import fc from "fast-check";
import { mannWhitney } from "./mann_whitney.ts";

const range = (length: number, first = 0) => Array.from({ length }, (_, i) => first + i);

/** Two samples without ties whose U is the given one: the first `u` values of y move below x. */
function samplesWithU(n: number, m: number, u: number): [number[], number[]] {
  const x = range(n);
  // Every x lies below y; a y moved below k of the x makes k pairs in which x is larger.
  const y = range(m, n).map((value) => {
    const below = Math.min(u, n);
    u -= below;
    return below === 0 ? value : n - below - 0.5 + value / 1000;
  });
  return [x, y];
}

Deno.test("the exact p-value is twice the share of orders as extreme", () => {
  // Share of orders by hand: U = 0 is one order, U <= 1 two, U <= 2 four, of (n + m)! / (n! m!).
  for (
    const [n, m, u, p] of [
      [3, 3, 0, 2 / 20],
      [4, 4, 0, 2 / 70],
      [5, 5, 0, 2 / 252],
      [5, 5, 1, 4 / 252],
      [5, 5, 2, 8 / 252],
      [7, 7, 0, 2 / 3432],
      [2, 2, 2, 1],
    ]
  ) {
    const test = mannWhitney(...samplesWithU(n, m, u));
    assert.equal(test.u, u);
    assert.equal(test.method, "exact");
    assert.ok(Math.abs(test.p - p) < 1e-12, `${n}, ${m}, U ${u}: ${test.p}`);
  }
});

Deno.test("critical values are those of the published table", () => {
  // Largest U that is significant at 0.05, two-sided (Mann-Whitney tables, for example Siegel 1956, K).
  for (const [n, m, critical] of [[5, 5, 2], [7, 7, 8], [8, 8, 13], [10, 10, 23], [20, 20, 127]]) {
    assert.ok(mannWhitney(...samplesWithU(n, m, critical)).p <= 0.05, `${n}, ${m}`);
    assert.ok(mannWhitney(...samplesWithU(n, m, critical + 1)).p > 0.05, `${n}, ${m}`);
  }
});

Deno.test("published examples come out", () => {
  // R's help page of wilcox.test (Hollander and Wolfe 1973, page 69): W = 35, one-sided p = 0.1272.
  const term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
  const early = [1.15, 0.88, 0.90, 0.74, 1.21];
  const depression = mannWhitney(term, early);
  assert.equal(depression.u, 35);
  assert.equal((depression.p / 2).toFixed(4), "0.1272");
  // SciPy's page of mannwhitneyu: U = 17, exact two-sided p = 1/9.
  const diabetes = mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12]);
  assert.equal(diabetes.u, 17);
  assert.ok(Math.abs(diabetes.p - 1 / 9) < 1e-12);
});

Deno.test("ties and large samples go by the normal approximation", () => {
  // By hand: one x is larger than one y and one equal, of a mean of 8; two values of eight are tied.
  const tied = mannWhitney([1, 2, 3, 4], [3, 5, 6, 7]);
  assert.deepEqual([tied.u, tied.method], [1.5, "normal"]);
  const variance = 16 / 12 * (9 - 6 / 56);
  assert.ok(Math.abs(tied.p - twoTails((8 - 1.5 - 0.5) / Math.sqrt(variance))) < 1e-6);
  const large = mannWhitney(...samplesWithU(21, 21, 100));
  assert.equal(large.method, "normal");
  assert.ok(Math.abs(large.p - twoTails((220.5 - 100 - 0.5) / Math.sqrt(441 * 43 / 12))) < 1e-6);
  assert.equal(mannWhitney([2, 2], [2, 2]).p, 1);
});

/** P(|Z| > z) by integrating the density with Simpson's rule. */
function twoTails(z: number): number {
  const steps = 2000;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 0 ? 2 : 4;
    sum += weight * Math.exp(-((i * z / steps) ** 2) / 2);
  }
  return 1 - 2 * sum * z / steps / 3 / Math.sqrt(2 * Math.PI);
}

Deno.test("the exact p-value is the count over all orders, and sides can be exchanged", () => {
  const sizes = fc.record({ n: fc.integer({ min: 1, max: 5 }), m: fc.integer({ min: 1, max: 5 }) });
  fc.assert(fc.property(sizes, fc.infiniteStream(fc.nat()), ({ n, m }, stream) => {
    const shuffled = range(n + m).map((value) => ({ value, key: stream.next().value! }))
      .sort((a, b) => a.key - b.key).map(({ value }) => value);
    const x = shuffled.slice(0, n), y = shuffled.slice(n);
    const test = mannWhitney(x, y);
    const extreme = (u: number) => Math.min(u, n * m - u);
    const orders = choose(n + m, n).map((places) => {
      const rest = range(n + m).filter((value) => !places.includes(value));
      return places.flatMap((a) => rest.filter((b) => a > b)).length;
    });
    const asExtreme = orders.filter((u) => extreme(u) <= extreme(test.u)).length;
    assert.ok(Math.abs(test.p - Math.min(1, asExtreme / orders.length)) < 1e-12);
    assert.equal(mannWhitney(y, x).p, test.p);
    assert.equal(mannWhitney(y, x).u, n * m - test.u);
  }));
});

/** All ways to choose `k` of 0 .. n - 1. */
function choose(n: number, k: number): number[][] {
  if (k === 0) return [[]];
  if (n < k) return [];
  return [...choose(n - 1, k), ...choose(n - 1, k - 1).map((rest) => [...rest, n - 1])];
}

Deno.test("an empty sample is refused", () => {
  assert.throws(() => mannWhitney([], [1]), {
    name: "RangeError",
    message: "Cannot compare samples: one of them is empty",
  });
});
