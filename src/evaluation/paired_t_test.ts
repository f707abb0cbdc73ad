import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../testing/golden.ts";
import { excludesZero, summarise } from "./intervals.ts";
import { pairedT } from "./paired_t.ts";

const differences = fc.array(fc.integer({ min: -1000, max: 1000 }), {
  minLength: 2,
  maxLength: 12,
});

Deno.test("the paired t test agrees with the golden one", () => {
  const { json } = readGolden("statistics", "seeds");
  const values = json.arm.map((value: number, seed: number) => value - json.baseline[seed]);
  const { t, df, p } = pairedT(summarise(values))!;
  const want = json.expected.paired_t;
  assert.equal(df, want.df);
  for (const [got, expected] of [[t, want.t], [p, want.p]]) {
    assert.ok(
      Math.abs(got - expected) <= json.tolerance.atol + json.tolerance.rtol * Math.abs(expected),
    );
  }
});

Deno.test("p is below 0.05 exactly where the 95 % interval leaves 0 out", () => {
  fc.assert(fc.property(differences, (values) => {
    const summary = summarise(values);
    const { p } = pairedT(summary)!;
    if (Math.abs(p - 0.05) < 1e-12) return;
    assert.equal(p < 0.05, excludesZero(summary.interval));
  }));
});

Deno.test("the sign of the differences and their unit change nothing", () => {
  fc.assert(fc.property(differences, fc.constantFrom(-4, 0.5, 8), (values, unit) => {
    const { p } = pairedT(summarise(values))!;
    assert.ok(p >= 0 && p <= 1);
    assert.ok(Math.abs(pairedT(summarise(values.map((value) => unit * value)))!.p - p) < 1e-9);
  }));
});

Deno.test("no difference at all has p 1, equal differences p 0, one difference no test", () => {
  assert.deepEqual(pairedT(summarise([0, 0, 0])), { t: 0, df: 2, p: 1 });
  assert.deepEqual(pairedT(summarise([2, 2, 2])), { t: Infinity, df: 2, p: 0 });
  assert.equal(pairedT(summarise([2])), null);
});
