import assert from "node:assert/strict";
import { cosineFilters, FILTER_NORM } from "./cosine_filters.ts";

const WIDTH = 96, SIDE = 15, INPUTS = 3 * SIDE ** 2;
const filters = cosineFilters(WIDTH, SIDE);
const filter = (row: number) => filters.subarray(row * INPUTS, (row + 1) * INPUTS);
const dot = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

Deno.test("first filters are orthogonal and of one norm", () => {
  for (let a = 0; a < WIDTH; a++) {
    for (let b = 0; b <= a; b++) {
      const expected = a === b ? FILTER_NORM ** 2 : 0;
      assert.ok(Math.abs(dot(filter(a), filter(b)) - expected) < 1e-7, `filters ${a} and ${b}`);
    }
  }
});

Deno.test("a plain grey patch is seen by the first filter alone", () => {
  const patch = new Float32Array(INPUTS).fill(1);
  const seen = Array.from({ length: WIDTH }, (_, row) => dot(filter(row), patch));
  assert.ok(Math.abs(seen[0] - FILTER_NORM * Math.sqrt(INPUTS)) < 1e-4);
  for (const value of seen.slice(1)) assert.ok(Math.abs(value) < 1e-4);
});

Deno.test("the lowest frequencies keep most of a disc", () => {
  const disc = new Float32Array(INPUTS);
  for (let at = 0; at < INPUTS; at++) {
    const x = at % SIDE, y = Math.floor(at / SIDE) % SIDE;
    if (Math.hypot(x - 7, y - 7) <= 5.5) disc[at] = 1;
  }
  const kept = Array.from(
    { length: WIDTH },
    (_, row) => (dot(filter(row), disc) / FILTER_NORM) ** 2,
  )
    .reduce((sum, energy) => sum + energy, 0);
  assert.ok(kept > 0.9 * dot(disc, disc), `${kept} of ${dot(disc, disc)}`);
});
