import assert from "node:assert/strict";
import { inverseIndices } from "./index_arrays.ts";

Deno.test("the inverse says which entry names a row", () => {
  assert.deepEqual([...inverseIndices(Int32Array.of(3, 0), 5)], [1, -1, -1, 0, -1]);
});
