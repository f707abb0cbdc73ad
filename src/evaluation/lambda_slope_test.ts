import assert from "node:assert/strict";
import fc from "fast-check";
import { lambdaSlope, type SweepPoint } from "./lambda_slope.ts";
import { leastSquares } from "./least_squares.ts";

const near = (got: number, want: number) =>
  assert.ok(Math.abs(got - want) < 1e-9, `${got} is not ${want}`);

const level = fc.integer({ min: -50, max: 50 });

Deno.test("what shifts a whole seed changes neither its slope nor the interval over seeds", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(level, level), { minLength: 2, maxLength: 6 }), (seeds) => {
      const runs = (shifted: boolean): SweepPoint[] =>
        seeds.flatMap(([shift, slope], seed) =>
          [0, 1, 3].map((lambda) => ({
            seed,
            lambda,
            accuracy: slope * lambda + (shifted ? shift : 0),
          }))
        );
      const before = lambdaSlope(runs(false)).overSeeds!;
      const after = lambdaSlope(runs(true)).overSeeds!;
      near(after.mean, before.mean);
      near(after.sd!, before.sd!);
      near(before.mean, seeds.reduce((sum, [, slope]) => sum + slope, 0) / seeds.length);
    }),
  );
});

Deno.test("with every seed at every lambda all three lines have one slope", () => {
  fc.assert(fc.property(fc.array(level, { minLength: 6, maxLength: 6 }), (values) => {
    const runs = values.map((accuracy, i) => ({ seed: i % 2, lambda: i >> 1, accuracy }));
    const { overSeeds, allRuns, means } = lambdaSlope(runs);
    near(overSeeds!.mean, allRuns!.slope);
    near(overSeeds!.mean, means!.slope);
    assert.ok(means!.rSquared >= allRuns!.rSquared - 1e-12);
  }));
});

Deno.test("a seed at one lambda has no slope but counts among all runs", () => {
  const runs = [
    { seed: 1, lambda: 0, accuracy: 1 },
    { seed: 1, lambda: 1, accuracy: 2 },
    { seed: 2, lambda: 1, accuracy: 5 },
  ];
  const { overSeeds, allRuns } = lambdaSlope(runs);
  assert.deepEqual([overSeeds!.n, overSeeds!.mean, overSeeds!.interval], [1, 1, null]);
  assert.equal(allRuns!.slope, leastSquares([[0, 1], [1, 2], [1, 5]])!.slope);
  assert.deepEqual(lambdaSlope(runs.slice(1)), { overSeeds: null, allRuns: null, means: null });
});
