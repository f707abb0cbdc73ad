import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../testing/golden.ts";
import { mcNemar } from "./mcnemar.ts";

const near = (got: number, want: number, { rtol, atol }: { rtol: number; atol: number }) =>
  assert.ok(Math.abs(got - want) <= atol + rtol * Math.abs(want), `${got} is not ${want}`);

Deno.test("McNemar's p agrees with the golden ones", () => {
  const { json } = readGolden("statistics", "clustered");
  // deno-lint-ignore no-explicit-any -- the layout of the golden file
  for (const { mcnemar } of Object.values<any>(json.expected.against_baseline)) {
    const { only_arm_correct, only_baseline_correct, p } = mcnemar;
    near(mcNemar(only_arm_correct, only_baseline_correct), p, json.tolerance["p and quantiles"]);
  }
});

Deno.test("it equals the exact sign changes of the golden answers", () => {
  const { json } = readGolden("statistics", "permutation");
  const { only_arm_correct, only_baseline_correct } = json.expected.mcnemar;
  near(
    mcNemar(only_arm_correct, only_baseline_correct),
    json.expected.by_question.p,
    json.tolerance,
  );
});

Deno.test("it does not matter which model comes first, and a tie shows nothing", () => {
  fc.assert(fc.property(fc.nat(60), fc.nat(60), (b, c) => {
    assert.equal(mcNemar(b, c), mcNemar(c, b));
    assert.equal(mcNemar(b, b), 1);
    assert.ok(mcNemar(b, c + b + 1) <= mcNemar(b, b + c) + 1e-12);
  }));
});

Deno.test("thousands of questions do not underflow; no number of questions is refused", () => {
  assert.ok(Math.abs(mcNemar(2000, 2000) - 1) < 1e-12);
  assert.ok(mcNemar(1900, 2100) > 0.001 && mcNemar(1900, 2100) < 0.002);
  assert.throws(() => mcNemar(-1, 3), RangeError);
});
