import assert from "node:assert/strict";
import fc from "fast-check";
import { listGolden, readGolden } from "../testing/golden.ts";
import { studentTCdf, studentTQuantile } from "./student_t.ts";

const near = (got: number, want: number, tolerance: number) =>
  assert.ok(
    Math.abs(got - want) <= tolerance * Math.max(1, Math.abs(want)),
    `${got} is not ${want}`,
  );

const df = fc.integer({ min: 1, max: 60 });
const probability = fc.double({ min: 0.001, max: 0.999, noNaN: true });

Deno.test("the quantile inverts the distribution function", () => {
  fc.assert(fc.property(probability, df, (p, df) => {
    near(studentTCdf(studentTQuantile(p, df), df), p, 1e-12);
  }));
});

Deno.test("the distribution is symmetric and increasing", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 50, noNaN: true }), df, (t, df) => {
      near(studentTCdf(-t, df) + studentTCdf(t, df), 1, 1e-14);
      // Far out both are 1 up to rounding.
      assert.ok(studentTCdf(t + 0.1, df) >= studentTCdf(t, df) - 1e-15);
    }),
  );
});

Deno.test("one and two degrees of freedom agree with their closed forms", () => {
  fc.assert(fc.property(probability, (p) => {
    near(studentTQuantile(p, 1), Math.tan(Math.PI * (p - 0.5)), 1e-9);
    near(
      studentTQuantile(p, 2),
      (2 * p - 1) * Math.sqrt(2 / (4 * p * (1 - p))),
      1e-9,
    );
  }));
});

Deno.test("the derivative of the distribution function is the density up to a constant", () => {
  fc.assert(
    fc.property(df, fc.double({ min: -4, max: 4, noNaN: true }), (df, t) => {
      const h = 1e-4;
      const slope = (x: number) => (studentTCdf(x + h, df) - studentTCdf(x - h, df)) / (2 * h);
      near(slope(t) / slope(0), (1 + t * t / df) ** (-(df + 1) / 2), 1e-6);
    }),
  );
});

Deno.test("p-values agree with the golden paired t tests", () => {
  let checked = 0;
  for (const name of listGolden("statistics")) {
    const { json } = readGolden("statistics", name);
    const test = json.expected?.paired_t;
    if (test === undefined) continue;
    const p = 2 * studentTCdf(-Math.abs(test.t), test.df);
    assert.ok(
      Math.abs(p - test.p) <=
        json.tolerance.atol + json.tolerance.rtol * test.p,
    );
    checked++;
  }
  assert.ok(checked > 0, "no golden file has a paired t test");
});

Deno.test("Student's t refuses impossible arguments", () => {
  assert.throws(() => studentTCdf(0, 0), RangeError);
  assert.throws(() => studentTCdf(0, 2.5), RangeError);
  assert.throws(() => studentTQuantile(1, 3), RangeError);
  assert.throws(() => studentTQuantile(Number.NaN, 3), RangeError);
});
