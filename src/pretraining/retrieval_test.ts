/** Retrieval figures on features whose order is known. */
import assert from "node:assert/strict";
import { classify, groupAccuracy, recall } from "./retrieval.ts";

/** Unit vectors at these angles in degrees. */
function angles(...degrees: number[]) {
  const data = degrees.flatMap((d) => [Math.cos(d * Math.PI / 180), Math.sin(d * Math.PI / 180)]);
  return { rows: degrees.length, columns: 2, data: Float32Array.from(data) };
}

Deno.test("recall counts how many other keys are at least as close", () => {
  const keys = angles(0, 10, 20, 30, 40, 50, 60);
  assert.deepEqual(recall(keys, keys), { at1: 1, at5: 1 });
  // The first query is closest to the last key: its own stands seventh.
  assert.deepEqual(recall(angles(60, 10, 20, 30, 40, 50, 60), keys), { at1: 6 / 7, at5: 6 / 7 });
  // 42 is closest to 40 and 50, then to 30: its own key 30 stands third.
  assert.deepEqual(recall(angles(0, 10, 20, 42, 40, 50, 60), keys), { at1: 6 / 7, at5: 1 });
});

Deno.test("keys that are all the same are found by none", () => {
  const same = angles(5, 5, 5, 5, 5, 5);
  assert.deepEqual(recall(same, same), { at1: 0, at5: 0 });
  assert.equal(groupAccuracy(same, same, 2), 0);
});

Deno.test("features that are no numbers are found by none", () => {
  const nothing = { rows: 6, columns: 2, data: new Float32Array(12).fill(NaN) };
  assert.deepEqual(recall(nothing, nothing), { at1: 0, at5: 0 });
});

Deno.test("within its group a query competes with its neighbours alone", () => {
  const keys = angles(0, 10, 0, 10);
  // Over all keys none is alone at the top; within each pair three of four are right.
  assert.equal(recall(angles(0, 10, 0, 1), keys).at1, 0);
  assert.equal(groupAccuracy(angles(0, 10, 0, 1), keys, 2), 0.75);
});

Deno.test("a query is classed by its closest key", () => {
  assert.deepEqual(classify(angles(4, 6, 100), angles(0, 10, 90)), [0, 1, 2]);
});
