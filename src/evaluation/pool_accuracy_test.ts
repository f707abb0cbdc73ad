import assert from "node:assert/strict";
import { exampleAccuracy } from "../records/example_records.ts";
import { poolAccuracy } from "./pool_accuracy.ts";

Deno.test("pooled accuracy weights every question equally", () => {
  const small = { overall: 1, byType: { color: { accuracy: 1, n: 100 } } };
  const pooled = poolAccuracy([small, exampleAccuracy(0.5, 0.5)]);
  assert.deepEqual(pooled.byType, {
    color: { accuracy: 0.75, n: 200 },
    "yes/no": { accuracy: 0.5, n: 200 },
  });
  assert.equal(pooled.overall, 0.625);
});
