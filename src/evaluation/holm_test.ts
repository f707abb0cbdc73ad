import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../testing/golden.ts";
import { holm } from "./holm.ts";

const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  minLength: 1,
  maxLength: 8,
});

Deno.test("adjusted p-values agree with the golden ones", () => {
  const { json } = readGolden("statistics", "holm");
  assert.ok(json.cases.length > 0);
  for (const { p, adjusted } of json.cases) {
    holm(p).forEach((got, i) => {
      const bound = json.tolerance.atol + json.tolerance.rtol * Math.abs(adjusted[i]);
      assert.ok(Math.abs(got - adjusted[i]) <= bound, `${got} is not ${adjusted[i]}`);
    });
  }
});

Deno.test("no p shrinks, none passes Bonferroni's, and their order stays", () => {
  fc.assert(fc.property(pValues, (given) => {
    const adjusted = holm(given);
    given.forEach((p, i) => {
      assert.ok(adjusted[i] >= p && adjusted[i] <= Math.min(1, given.length * p));
      given.forEach((other, j) => assert.ok(p > other || adjusted[i] <= adjusted[j]));
    });
  }));
});

Deno.test("rejections are those of the step-down procedure itself", () => {
  fc.assert(
    fc.property(pValues, fc.double({ min: 0.01, max: 0.2, noNaN: true }), (given, level) => {
      const sorted = given.toSorted((a, b) => a - b);
      const kept = sorted.findIndex((p, rank) => (given.length - rank) * p >= level);
      const rejected = kept === -1 ? given.length : kept;
      assert.equal(holm(given).filter((p) => p < level).length, rejected);
    }),
  );
});

Deno.test("what is no probability is refused", () => {
  assert.throws(() => holm([0.5, 1.5]), /Cannot adjust p-values: 1\.5 is not between 0 and 1/);
  assert.throws(() => holm([NaN]), RangeError);
  assert.deepEqual(holm([]), []);
});
