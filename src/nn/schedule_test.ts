import assert from "node:assert/strict";
import { goldenTensor, listGolden, readGolden } from "../testing/golden.ts";
import {
  biasCorrection,
  LAMBDA_SCHEDULES,
  SCHEDULES,
  warmupCosine,
  warmupStableDecay,
} from "./schedule.ts";

for (const name of listGolden("adamw")) {
  Deno.test(`learning rates are the golden ones of ${name}`, () => {
    const golden = readGolden("adamw", name);
    const { steps, warmup_steps: warmup, groups } = golden.json;
    const expected = goldenTensor(golden, "lr").data;
    assert.equal(expected.length, steps * groups.length);
    for (let step = 0; step < steps; step++) {
      groups.forEach(({ lr }: { lr: number }, g: number) => {
        const got = lr * warmupCosine(step, steps, warmup);
        assert.ok(
          Math.abs(got - expected[step * groups.length + g]) <= 1e-12 * lr,
          `step ${step}, group ${g}: ${got}`,
        );
      });
    }
  });
}

Deno.test("the rate rises to 1, then falls, and never below 0", () => {
  const rates = Array.from({ length: 101 }, (_, step) => warmupCosine(step, 100, 10));
  assert.equal(rates[0], 0);
  assert.equal(rates[5], 0.5);
  assert.equal(rates[10], 1);
  assert.ok(Math.abs(rates[55] - 0.5) < 1e-12);
  for (let step = 11; step <= 100; step++) {
    assert.ok(rates[step] < rates[step - 1] && rates[step] >= 0);
  }
});

Deno.test("without warm-up the first step has the full rate, and one step is a schedule", () => {
  assert.equal(warmupCosine(0, 10, 0), 1);
  assert.equal(warmupCosine(0, 1, 0), 1);
  assert.equal(warmupCosine(0, 1, 1), 0);
});

Deno.test("bias correction makes the first moment of a constant gradient that constant", () => {
  const beta = 0.9;
  let m = 0;
  for (let t = 1; t <= 50; t++) {
    m = beta * m + (1 - beta) * 3;
    assert.ok(Math.abs(m * biasCorrection(beta, t) - 3) < 1e-12);
  }
});

Deno.test("lambda stays, rises over the first half, or falls by half a cosine", () => {
  const at = (name: keyof typeof LAMBDA_SCHEDULES) =>
    [0, 1, 2, 3, 4].map((step) => Number(LAMBDA_SCHEDULES[name](step, 4).toFixed(6)));
  assert.deepEqual(at("constant"), [1, 1, 1, 1, 1]);
  assert.deepEqual(at("warm-up"), [0, 0.5, 1, 1, 1]);
  assert.deepEqual(at("cosine"), [1, 0.853553, 0.5, 0.146447, 0]);
});

Deno.test("the other schedules: constant behind a warm-up, and stable until the last steps", () => {
  const at = (rate: (step: number) => number) => [0, 1, 2, 5, 7, 8, 9].map(rate);
  assert.deepEqual(at((step) => SCHEDULES.constant(step, 10, 2)), [0, 0.5, 1, 1, 1, 1, 1]);
  assert.deepEqual(
    at((step) => warmupStableDecay(step, 10, 2, 4)),
    [0, 0.5, 1, 1, 0.75, 0.5, 0.25],
  );
});
