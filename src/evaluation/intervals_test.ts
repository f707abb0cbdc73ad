import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../testing/golden.ts";
import { excludesZero, pairedDifference, summarise, verdict } from "./intervals.ts";

const bySeed = (values: number[]) => new Map(values.map((value, seed) => [seed, value]));

Deno.test("the paired difference agrees with the golden one, its interval with the golden t test", () => {
  const { json } = readGolden("statistics", "seeds");
  const difference = pairedDifference(bySeed(json.baseline), bySeed(json.arm))!;
  const near = (got: number, want: number) =>
    assert.ok(
      Math.abs(got - want) <=
        json.tolerance.atol + json.tolerance.rtol * Math.abs(want),
    );
  near(difference.mean, json.expected.mean_difference);
  near(difference.sd!, json.expected.sd_difference);
  assert.equal(difference.n, json.expected.paired_t.df + 1);
  // An interval of coverage 1 - p touches 0.
  const { interval } = pairedDifference(
    bySeed(json.baseline),
    bySeed(json.arm),
    1 - json.expected.paired_t.p,
  )!;
  assert.ok(Math.min(Math.abs(interval!.low), Math.abs(interval!.high)) < 1e-9);
});

Deno.test("the 95 % interval of three values uses t with two degrees of freedom", () => {
  const { mean, sd, interval } = summarise([1, 2, 3]);
  assert.equal(mean, 2);
  assert.equal(sd, 1);
  assert.ok(
    Math.abs(interval!.high - (2 + 4.302652729749464 / Math.sqrt(3))) < 1e-12,
  );
  assert.ok(
    Math.abs(interval!.low - (2 - 4.302652729749464 / Math.sqrt(3))) < 1e-12,
  );
});

Deno.test("one value has a mean and nothing more; no value is refused", () => {
  assert.deepEqual(summarise([0.5]), {
    n: 1,
    mean: 0.5,
    sd: null,
    interval: null,
  });
  assert.throws(() => summarise([]), RangeError);
});

Deno.test("only seeds that both have are paired", () => {
  const difference = pairedDifference(
    new Map([[1, 0.5], [2, 0.6], [4, 0.9]]),
    new Map([[2, 0.7], [1, 0.5], [3, 0.1]]),
  )!;
  assert.equal(difference.n, 2);
  assert.ok(Math.abs(difference.mean - 0.05) < 1e-12);
  assert.equal(
    pairedDifference(new Map([[1, 0.5]]), new Map([[2, 0.5]])),
    null,
  );
});

Deno.test("adding a constant to every seed shifts the interval by it and leaves its width", () => {
  const values = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
    minLength: 2,
    maxLength: 12,
  });
  fc.assert(
    fc.property(
      values,
      fc.double({ min: -1, max: 1, noNaN: true }),
      (values, shift) => {
        const a = summarise(values),
          b = summarise(values.map((value) => value + shift));
        assert.ok(Math.abs(b.interval!.low - a.interval!.low - shift) < 1e-9);
        assert.ok(Math.abs(b.interval!.high - a.interval!.high - shift) < 1e-9);
      },
    ),
  );
});

Deno.test("a verdict needs five seeds and an interval without 0", () => {
  const of = (...values: number[]) => verdict(summarise(values));
  assert.equal(of(0.1, 0.11, 0.1, 0.11), "cannot tell", "four seeds");
  assert.equal(of(0.1, 0.11, 0.1, 0.11, 0.1), "higher");
  assert.equal(of(-0.1, -0.11, -0.1, -0.11, -0.1), "lower");
  assert.equal(of(-0.1, 0.11, -0.1, 0.11, 0.1), "cannot tell");
  assert.equal(of(0, 0, 0, 0, 0), "cannot tell");
});

Deno.test("an adjusted p takes a verdict away, and gives none to fewer than five seeds", () => {
  const five = summarise([0.1, 0.11, 0.1, 0.11, 0.1]);
  assert.equal(verdict(five, 0.049), "higher");
  assert.equal(verdict(five, 0.05), "cannot tell");
  assert.equal(verdict(summarise([0.1, 0.11, 0.1, 0.11]), 0), "cannot tell");
});

Deno.test("an interval that ends at 0 does not leave it out", () => {
  assert.equal(excludesZero({ low: 0, high: 0 }), false);
  assert.equal(excludesZero({ low: 0, high: 1 }), false);
  assert.equal(excludesZero({ low: -1, high: 0 }), false);
  assert.equal(
    excludesZero({ low: 1e-9, high: 1 }) && excludesZero({ low: -1, high: -1e-9 }),
    true,
  );
  assert.equal(excludesZero(null), false);
});
