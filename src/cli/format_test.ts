import assert from "node:assert/strict";
import { duration, megabytes } from "./format.ts";

Deno.test("durations are told in the unit that fits", () => {
  const cases: [number, string][] = [
    [0, "1 s"],
    [0.4, "1 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [90, "2 min"],
    [3569, "59 min"],
    [3600, "1 h 0 min"],
    [5400, "1 h 30 min"],
    [90_000, "25 h 0 min"],
  ];
  for (const [seconds, text] of cases) assert.equal(duration(seconds), text);
});

Deno.test("sizes are megabytes with as many decimals as asked for", () => {
  const sizes = [0, 1.4e6, 1.6e6, 2.5e9];
  assert.deepEqual(sizes.map((bytes) => megabytes(bytes)), ["0 MB", "1 MB", "2 MB", "2500 MB"]);
  assert.deepEqual(sizes.map((bytes) => megabytes(bytes, 1)), [
    "0.0 MB",
    "1.4 MB",
    "1.6 MB",
    "2500.0 MB",
  ]);
});
