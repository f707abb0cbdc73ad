import assert from "node:assert/strict";
import fc from "fast-check";
import { sortedPlaces } from "./sorted_places.ts";

Deno.test("places of every id stand in order, and ids below zero have none", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1, max: 8 })), (list) => {
      const ids = Int32Array.from(list);
      const { starts, places } = sortedPlaces(ids, 9);
      assert.equal(starts.length, 10);
      for (let id = 0; id < 9; id++) {
        assert.deepEqual(
          [...places.subarray(starts[id], starts[id + 1])],
          list.flatMap((one, place) => one === id ? [place] : []),
        );
      }
      assert.equal(starts[9], list.filter((id) => id >= 0).length);
    }),
  );
});
