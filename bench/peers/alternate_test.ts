import assert from "node:assert/strict";
import { alternate, alternationsFor, runsFor } from "./alternate.ts";
import type { Subject } from "./subject.ts";

/** A side whose runs take so long by its own clock. */
function side(name: string, milliseconds: number, calls: [string, number][]): Subject {
  return {
    result: () => Promise.resolve({}),
    time(times) {
      calls.push([name, times]);
      return Promise.resolve(times * milliseconds);
    },
    dispose() {},
  };
}

Deno.test("a sample of a fast side repeats it until it lasts 0.3 s, a slow side runs once", () => {
  assert.equal(runsFor(1, 300), 1);
  assert.equal(runsFor(1, 5000), 1);
  assert.equal(runsFor(1, 11), 30);
  assert.equal(runsFor(30, 290), 35);
  assert.equal(runsFor(1, 0), 10_000);
  assert.equal(runsFor(10_000, 1), 10_000);
});

Deno.test("a slow peer gets fewer alternations, never fewer than three", () => {
  assert.equal(alternationsFor(7, 300), 7);
  assert.equal(alternationsFor(7, 12_000), 7);
  assert.equal(alternationsFor(7, 20_000), 4);
  assert.equal(alternationsFor(7, 300_000), 3);
});

Deno.test("sides take turns, the first one changes, and samples are milliseconds of one run", async () => {
  const calls: [string, number][] = [];
  const { ours, theirs } = await alternate(side("ours", 100, calls), side("peer", 400, calls), 3);
  assert.deepEqual(ours, { milliseconds: 100, runs: 4, samples: [100, 100, 100] });
  assert.deepEqual(theirs, { milliseconds: 400, runs: 1, samples: [400, 400, 400] });
  const timed = calls.slice(-6);
  assert.deepEqual(timed.map(([name]) => name), ["ours", "peer", "peer", "ours", "ours", "peer"]);
  assert.deepEqual(timed.map(([, runs]) => runs), [4, 1, 1, 4, 4, 1]);
});

Deno.test("a side that takes seconds is not run again to warm it up", async () => {
  const calls: [string, number][] = [];
  await alternate(side("ours", 400, []), side("peer", 31_000, calls), 7);
  assert.equal(calls.length, 1 + 3);
});
