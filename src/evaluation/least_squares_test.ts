import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../testing/golden.ts";
import { leastSquares } from "./least_squares.ts";

const golden = readGolden("statistics", "lambda_slope").json;

interface Case {
  lambda: number[];
  accuracy: number[];
  expected: Record<string, number>;
}

for (const [name, { lambda, accuracy, expected }] of Object.entries<Case>(golden.cases)) {
  Deno.test(`the line through golden points: ${name}`, () => {
    const { n, slope, intercept, rSquared, test } = leastSquares(
      lambda.map((x, i) => [x, accuracy[i]]),
    )!;
    const near = (got: number, want: number, { rtol, atol } = golden.tolerance) =>
      assert.ok(Math.abs(got - want) <= atol + rtol * Math.abs(want), `${got} is not ${want}`);
    assert.equal(n, expected.n);
    near(slope, expected.slope);
    near(intercept, expected.intercept);
    near(rSquared, expected.r_squared);
    near(test!.standardError, expected.slope_se);
    near(test!.interval.low, expected.slope_low);
    near(test!.interval.high, expected.slope_high);
    near(test!.p, expected.p, golden.tolerance.p);
  });
}

const points = fc.array(
  fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -50, max: 50 })),
  { minLength: 3, maxLength: 12 },
).filter((list) => new Set(list.map(([x]) => x)).size > 1);

Deno.test("residuals sum to 0, also weighted by x: no other line is closer", () => {
  fc.assert(fc.property(points, (list) => {
    const { slope, intercept } = leastSquares(list)!;
    const residuals = list.map(([x, y]) => y - intercept - slope * x);
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum(residuals)) < 1e-9);
    assert.ok(Math.abs(sum(residuals.map((r, i) => r * list[i][0]))) < 1e-8);
  }));
});

Deno.test("adding a line to the points adds it to the fit and leaves the standard error", () => {
  const coefficient = fc.integer({ min: -9, max: 9 });
  fc.assert(fc.property(points, coefficient, coefficient, (list, a, b) => {
    const before = leastSquares(list)!;
    const after = leastSquares(list.map(([x, y]) => [x, y + a + b * x]))!;
    assert.ok(Math.abs(after.slope - before.slope - b) < 1e-9);
    assert.ok(Math.abs(after.intercept - before.intercept - a) < 1e-8);
    assert.ok(Math.abs(after.test!.standardError - before.test!.standardError) < 1e-8);
  }));
});

Deno.test("two points have a line and no test, equal y an R2 of 0, equal x no line", () => {
  assert.deepEqual(leastSquares([[0, 0], [2, 1]]), {
    n: 2,
    slope: 0.5,
    intercept: 0,
    rSquared: 1,
    test: null,
  });
  assert.equal(leastSquares([[0, 1], [1, 1], [2, 1]])!.rSquared, 0);
  assert.equal(leastSquares([[1, 0], [1, 1]]), null);
  assert.equal(leastSquares([]), null);
});
