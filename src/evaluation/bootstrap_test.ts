import assert from "node:assert/strict";
import fc from "fast-check";
import { mean } from "simple-statistics";
import { stream } from "../data/random.ts";
import { bootstrapInterval } from "./bootstrap.ts";

const few = { numRuns: 15 };
const values = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 8 });

Deno.test("the interval of a mean lies within the values and contains nothing else", () => {
  fc.assert(
    fc.property(values, (list) => {
      const { low, high } = bootstrapInterval([list], ([drawn]) => mean(drawn));
      assert.ok(low >= Math.min(...list) - 1e-9 && high <= Math.max(...list) + 1e-9);
      assert.ok(low <= high);
      assert.deepEqual(bootstrapInterval([list], ([drawn]) => mean(drawn)), { low, high });
    }),
    few,
  );
});

Deno.test("strata keep their sizes and their own values", () => {
  bootstrapInterval([[1, 2, 3], [10, 20]], ([a, b]) => {
    assert.deepEqual([a.length, b.length], [3, 2]);
    assert.ok(a.every((value) => value <= 3) && b.every((value) => value >= 10));
    return 0;
  });
});

Deno.test("with many values it is as wide as the normal interval of the mean", () => {
  const random = stream(3, "values");
  const list = Array.from({ length: 400 }, () => random.normal());
  const { low, high } = bootstrapInterval([list], ([drawn]) => mean(drawn));
  // 2 x 1.96 / sqrt(400) = 0.196; the values' own deviation and the resampling differ by a few percent.
  assert.ok(Math.abs((high - low) / 0.196 - 1) < 0.12, `${high - low}`);
});

Deno.test("an empty stratum is refused", () => {
  assert.throws(() => bootstrapInterval([[1], []], () => 0), RangeError);
});

Deno.test("a resample is of the stratum's own values, in ascending order", () => {
  const list = [3, 1, 2, 1];
  bootstrapInterval([list], ([drawn]) => {
    assert.deepEqual(drawn, drawn.toSorted((a, b) => a - b));
    assert.ok(drawn.every((value) => list.includes(value)));
    return 0;
  });
});
