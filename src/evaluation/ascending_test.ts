import assert from "node:assert/strict";
import fc from "fast-check";
import { ascending } from "./ascending.ts";

Deno.test("values are sorted as numbers, and the list that was given stays as it was", () => {
  fc.assert(fc.property(fc.array(fc.integer()), (list) => {
    const before = [...list];
    assert.deepEqual(ascending(list), list.toSorted((a, b) => a - b));
    assert.deepEqual(list, before);
  }));
});

Deno.test("a sorted list is returned as it is", () => {
  const sorted = [-2, 1, 1, 10];
  assert.equal(ascending(sorted), sorted);
});
