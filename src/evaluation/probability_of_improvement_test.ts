import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../testing/golden.ts";
import { probabilityOfImprovement } from "./probability_of_improvement.ts";

Deno.test("the probability of improvement agrees with the golden one", () => {
  const { json } = readGolden("statistics", "seeds");
  assert.equal(
    probabilityOfImprovement(json.arm, json.baseline),
    json.expected.probability_of_improvement,
  );
});

Deno.test("both directions sum to 1, and equal runs have one half", () => {
  const values = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 9 });
  fc.assert(fc.property(values, values, (a, b) => {
    const forth = probabilityOfImprovement(a, b), back = probabilityOfImprovement(b, a);
    assert.ok(Math.abs(forth + back - 1) < 1e-12);
    assert.equal(probabilityOfImprovement(a, a), 0.5);
  }));
});

Deno.test("an empty side is refused", () => {
  assert.throws(() => probabilityOfImprovement([], [1]), RangeError);
});
