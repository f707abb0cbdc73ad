import assert from "node:assert/strict";
import { createPace } from "./pace.ts";

const two = new Map([[0, 100], [3, 100]]);
const moment = { stage: "all", step: 10, done: 10, steps: 100, questions: 32 };

Deno.test("a pace is known from the second moment of a stage", () => {
  let now = 0;
  const paceOf = createPace(two, () => now);
  assert.deepEqual(paceOf({ ...moment, index: 0 }), {
    share: 0.05,
    questionsPerSecond: null,
    runLeft: null,
    gridLeft: null,
  });
  now = 5_000;
  assert.deepEqual(paceOf({ ...moment, index: 0, step: 20, done: 20 }), {
    share: 0.1,
    questionsPerSecond: 64,
    runLeft: 40,
    gridLeft: 90,
  });
});

Deno.test("time between two runs counts for the grid and not for the run", () => {
  let now = 0;
  const paceOf = createPace(two, () => now);
  paceOf({ ...moment, index: 0, step: 50, done: 50 });
  now = 10_000;
  paceOf({ ...moment, index: 0, step: 100, done: 100 });
  now = 30_000;
  assert.deepEqual(paceOf({ ...moment, index: 3, step: 0, done: 0 }), {
    share: 0.5,
    questionsPerSecond: null,
    runLeft: null,
    gridLeft: 60,
  });
  now = 35_000;
  const { questionsPerSecond, runLeft } = paceOf({ ...moment, index: 3, step: 50, done: 50 });
  assert.deepEqual([questionsPerSecond, runLeft], [320, 5]);
});

Deno.test("steps that another process did take no time of this one", () => {
  let now = 0;
  const paceOf = createPace(two, () => now);
  paceOf({ ...moment, index: 0, step: 90, done: 90 });
  now = 1_000;
  assert.equal(paceOf({ ...moment, index: 0, step: 95, done: 95 }).questionsPerSecond, 160);
});
