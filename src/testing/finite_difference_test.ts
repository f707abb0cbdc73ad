import assert from "node:assert/strict";
import { assertGradient, finiteDifference } from "./finite_difference.ts";

/** Sum of i x_i^3, whose gradient is 3 i x_i^2. */
const f = (x: Float64Array) => x.reduce((sum, value, i) => sum + i * value ** 3, 0);
const x = Float64Array.from({ length: 20 }, (_, i) => i / 10 - 1);
const gradient = x.map((value, i) => 3 * i * value * value);
const check = { rtol: 1e-9, atol: 1e-12 };

Deno.test("a fourth-order difference is exact for a polynomial of degree four", () => {
  const quartic = (v: Float64Array) => v[0] ** 4 - 2 * v[0] ** 3 + v[1];
  const difference = finiteDifference(quartic, Float64Array.of(1.5, 7), 0, 0.1);
  assert.ok(Math.abs(difference - (4 * 1.5 ** 3 - 6 * 1.5 ** 2)) < 1e-12, `${difference}`);
});

Deno.test("the point of a difference is left as it was", () => {
  const point = Float64Array.of(1, 2);
  finiteDifference(f, point, 1);
  assert.deepEqual(point, Float64Array.of(1, 2));
});

Deno.test("a right gradient passes", () => {
  assertGradient(f, x, gradient, check, "f");
  assertGradient(f, x, gradient, { ...check, entries: 1000 }, "f");
});

Deno.test("a wrong entry is named", () => {
  const wrong = gradient.with(19, gradient[19] * 1.001);
  assert.throws(() => assertGradient(f, x, wrong, check, "f"), /f at entry 19/);
});

Deno.test("a gradient of the wrong length is refused", () => {
  assert.throws(() => assertGradient(f, x, gradient.subarray(1), check, "f"), /19 entries.*20/);
});
