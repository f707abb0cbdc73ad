import assert from "node:assert/strict";
import fc from "fast-check";
import {
  pairedTPower,
  questionNoise,
  questionsNeeded,
  seedsNeeded,
  smallestDetectableEffect,
} from "./power.ts";

const near = (got: number, want: number, tolerance: number) =>
  assert.ok(Math.abs(got - want) <= tolerance, `${got} is not ${want}`);

const effect = fc.double({ min: 0.2, max: 4, noNaN: true });
const sd = fc.double({ min: 0.1, max: 2, noNaN: true });
const seeds = fc.integer({ min: 5, max: 40 });
const alpha = fc.constantFrom(0.05, 0.0125);
const power = fc.constantFrom(0.8, 0.9);
const few = { numRuns: 15 };

Deno.test("power of the paired t test as SciPy gives it from its noncentral t", () => {
  for (
    const [seeds, effect, want] of [
      [34, 0.5, 0.8077775012792737],
      [33, 0.5, 0.7953658414875042],
      [5, 2, 0.9088848681009404],
      [10, 1, 0.8030968566327219],
    ]
  ) near(pairedTPower({ effect, sd: 1, seeds, alpha: 0.05 }), want, 1e-10);
});

Deno.test("seeds for Cohen's d of a half: 34 pairs for 80 %, 44 for 90 %", () => {
  const plan = { effect: 0.5, sd: 1, alpha: 0.05 };
  assert.equal(seedsNeeded({ ...plan, power: 0.8 }), 34);
  assert.equal(seedsNeeded({ ...plan, power: 0.9 }), 44);
});

Deno.test("the seeds that are needed are enough, and one fewer is not", () => {
  fc.assert(
    fc.property(effect, sd, alpha, power, (effect, sd, alpha, power) => {
      const seeds = seedsNeeded({ effect, sd, alpha, power });
      assert.ok(pairedTPower({ effect, sd, seeds, alpha }) >= power);
      if (seeds > 5) assert.ok(pairedTPower({ effect, sd, seeds: seeds - 1, alpha }) < power);
    }),
    few,
  );
});

Deno.test("the smallest detectable effect has just the power asked for, in any unit", () => {
  fc.assert(
    fc.property(sd, seeds, alpha, power, (sd, seeds, alpha, power) => {
      const effect = smallestDetectableEffect({ sd, seeds, alpha, power });
      near(pairedTPower({ effect, sd, seeds, alpha }), power, 1e-7);
      const doubled = smallestDetectableEffect({ sd: 2 * sd, seeds, alpha, power });
      near(doubled, 2 * effect, 1e-6 * effect);
    }),
    few,
  );
});

Deno.test("the questions that are needed bring the noise down to what the power allows", () => {
  const plan = { effect: 1, sd: 0.3, seeds: 8, alpha: 0.05, power: 0.9 };
  const model = { accuracy: 0.75, correlation: 0.6 };
  const powerWith = (questions: number) =>
    pairedTPower({ ...plan, sd: Math.sqrt(0.3 ** 2 + questionNoise(model) / questions) });
  const questions = questionsNeeded(plan, model);
  assert.ok(powerWith(questions) >= 0.9 - 1e-9);
  assert.ok(powerWith(questions - 1) < 0.9);
});

Deno.test("where seeds alone vary too much no number of questions is enough", () => {
  const plan = { effect: 0.1, sd: 1, seeds: 5, alpha: 0.05, power: 0.9 };
  assert.equal(questionsNeeded(plan, { accuracy: 0.7, correlation: 0.5 }), Infinity);
  assert.equal(seedsNeeded({ effect: 1e-6, sd: 1, alpha: 0.05, power: 0.9 }), Infinity);
});

Deno.test("without spread every difference is found", () => {
  assert.equal(pairedTPower({ effect: 1, sd: 0, seeds: 5, alpha: 0.05 }), 1);
  assert.equal(smallestDetectableEffect({ sd: 0, seeds: 5, alpha: 0.05, power: 0.9 }), 0);
  near(pairedTPower({ effect: 0, sd: 1, seeds: 5, alpha: 0.05 }), 0.05, 0);
});

Deno.test("impossible plans are refused", () => {
  const plan = { effect: 1, sd: 1, seeds: 5, alpha: 0.05, power: 0.9 };
  assert.throws(() => pairedTPower({ ...plan, seeds: 1 }), /two seeds or more, got 1/);
  assert.throws(() => pairedTPower({ ...plan, sd: -1 }), RangeError);
  assert.throws(() => seedsNeeded({ ...plan, power: 1 }), RangeError);
  assert.throws(() => seedsNeeded({ ...plan, effect: 0 }), /effect must be positive, got 0/);
  assert.throws(() => questionNoise({ accuracy: 1.2, correlation: 0 }), RangeError);
});

Deno.test("a question's difference varies as that of two coins of the accuracy, less what they share", () => {
  // Two independent coins of 3/4: 2 x 3/16; of the same coin nothing is left.
  assert.equal(questionNoise({ accuracy: 0.75, correlation: 0 }), 1e4 * 2 * 3 / 16);
  assert.equal(questionNoise({ accuracy: 0.5, correlation: 0.5 }), 2500);
  assert.equal(questionNoise({ accuracy: 0.5, correlation: 1 }), 0);
});
