import assert from "node:assert/strict";
import fc from "fast-check";
import { noncentralTCdf } from "./noncentral_t.ts";
import { normalCdf } from "./normal.ts";
import { studentTCdf } from "./student_t.ts";

const t = fc.double({ min: -15, max: 15, noNaN: true });
const df = fc.integer({ min: 1, max: 80 });
const delta = fc.double({ min: -8, max: 8, noNaN: true });
const few = { numRuns: 40 };

Deno.test("values of SciPy's nct.cdf, which computes them by another route", () => {
  for (
    const [t, df, delta, p] of [
      [2, 4, 1, 0.7645674538243243],
      [2.776445, 4, 3, 0.3807424345136284],
      [5, 9, 6, 0.22690933673648578],
      [1, 200, 0.5, 0.6908032669884343],
      [-1, 9, 0.5, 0.07564345303987377],
    ]
  ) assert.ok(Math.abs(noncentralTCdf(t, df, delta) - p) < 1e-12, `${[t, df, delta]}`);
});

Deno.test("without noncentrality it is Student's t, at 0 the normal distribution", () => {
  fc.assert(
    fc.property(t, df, delta, (t, df, delta) => {
      assert.ok(Math.abs(noncentralTCdf(t, df, 0) - studentTCdf(t, df)) < 1e-12);
      assert.ok(Math.abs(noncentralTCdf(0, df, delta) - normalCdf(-delta)) < 1e-12);
    }),
    few,
  );
});

Deno.test("mirroring both arguments mirrors the distribution; more noncentrality moves it up", () => {
  fc.assert(
    fc.property(t, df, delta, (t, df, delta) => {
      const p = noncentralTCdf(t, df, delta);
      assert.ok(Math.abs(noncentralTCdf(-t, df, -delta) + p - 1) < 1e-12);
      assert.ok(noncentralTCdf(t, df, delta + 0.5) <= p + 1e-12);
    }),
    few,
  );
});

Deno.test("degrees of freedom that are not positive are refused", () => {
  assert.throws(() => noncentralTCdf(0, 0, 1), /must be positive, got 0/);
});
