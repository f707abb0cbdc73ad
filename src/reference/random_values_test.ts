import assert from "node:assert/strict";
import { randomValues } from "./random_values.ts";

Deno.test("random values are float32, within the scale, and repeat with their seed", () => {
  const values = randomValues(1, 1000, 3);
  assert.deepEqual(values, randomValues(1, 1000, 3));
  assert.notDeepEqual(values, randomValues(2, 1000, 3));
  assert.deepEqual(values, Float64Array.from(Float32Array.from(values)));
  assert.ok(values.every((value) => value >= -3 && value <= 3));
  assert.ok(Math.min(...values) < -2.5 && Math.max(...values) > 2.5);
});
