import assert from "node:assert/strict";
import fc from "fast-check";
import { erfc } from "../reference/erf.ts";
import { normalCdf } from "./normal.ts";

Deno.test("the normal distribution agrees with the error function", () => {
  fc.assert(fc.property(fc.double({ min: -12, max: 12, noNaN: true }), (x) => {
    assert.ok(Math.abs(normalCdf(x) - erfc(-x / Math.SQRT2) / 2) < 1e-14);
  }));
  assert.equal(normalCdf(0), 0.5);
  assert.deepEqual([normalCdf(-Infinity), normalCdf(Infinity)], [0, 1]);
});

Deno.test("the quantiles that tables print are where they say", () => {
  for (const [x, p] of [[1.6448536269514722, 0.95], [1.959963984540054, 0.975]]) {
    assert.ok(Math.abs(normalCdf(x) - p) < 1e-15);
  }
});
