import assert from "node:assert/strict";
import fc from "fast-check";
import { medianInterval, pairedRatio } from "./statistics.ts";

Deno.test("the interval of a median lies between order statistics with at least 95 % where six values allow it", () => {
  // Coverages of the published tables (Conover, Practical Nonparametric Statistics, section 3.2).
  const cases: [number, number, number, number][] = [
    [5, 1, 5, 0.9375],
    [6, 1, 6, 0.96875],
    [7, 1, 7, 0.984375],
    [9, 2, 8, 0.9609375],
    [12, 3, 10, 0.96142578125],
  ];
  for (const [n, low, high, coverage] of cases) {
    const values = Array.from({ length: n }, (_, i) => n - i);
    const interval = medianInterval(values);
    assert.deepEqual([interval.low, interval.high, interval.coverage], [low, high, coverage]);
  }
});

Deno.test("the interval holds the median and comes from the values themselves", () => {
  fc.assert(fc.property(
    fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 40 }),
    (values) => {
      const { median, low, high, coverage } = medianInterval(values);
      assert.ok(low <= median && median <= high);
      assert.ok(values.includes(low) && values.includes(high));
      assert.equal(coverage >= 0.95, values.length >= 6);
    },
  ));
});

Deno.test("the interval covers the median of a known distribution as often as it says", () => {
  // All 2^7 ways in which seven values can lie on either side of the median 0, equally likely.
  let covered = 0;
  for (let signs = 0; signs < 128; signs++) {
    const values = Array.from({ length: 7 }, (_, i) => (signs >> i & 1 ? 1 : -1) * (i + 1));
    const { low, high } = medianInterval(values);
    if (low <= 0 && 0 <= high) covered++;
  }
  assert.equal(covered / 128, medianInterval([1, 2, 3, 4, 5, 6, 7]).coverage);
});

Deno.test("the ratio is our throughput over the peer's, paired by alternation", () => {
  // Both sides slow down threefold in the second alternation; the pairs do not see it.
  const { median, low, high } = pairedRatio([10, 30, 10], [20, 60, 25]);
  assert.deepEqual([median, low, high], [2, 2, 2.5]);
});

Deno.test("samples that do not pair are refused", () => {
  assert.throws(() => pairedRatio([1, 2], [1]), new RangeError("Cannot pair 2 samples with 1"));
  assert.throws(
    () => medianInterval([]),
    new RangeError("Cannot take a median: there are no values"),
  );
});
