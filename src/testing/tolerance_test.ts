import assert from "node:assert/strict";
import { assertClose } from "./tolerance.ts";

const loose = { rtol: 0.1, atol: 0 };

Deno.test("an element may be off by a share of the largest reference", () => {
  assertClose([10, 0.9], [10, 0], loose, "y");
  assert.throws(
    () => assertClose([10, 1.1], [10, 0], loose, "y"),
    /y\[1\] is 1.1/,
  );
});

Deno.test("an element may be off by the absolute tolerance where the reference is zero", () => {
  assertClose([1e-7], [0], { rtol: 0.1, atol: 1e-6 }, "y");
  assert.throws(
    () => assertClose([1e-5], [0], { rtol: 0.1, atol: 1e-6 }, "y"),
    /allowed 1.00e-6/,
  );
});

Deno.test("the error names the worst element, not the first", () => {
  assert.throws(
    () => assertClose([2, 5, 3], [1, 1, 1], loose, "y"),
    /y\[1\] is 5, its reference 1/,
  );
});

Deno.test("NaN and infinity never pass", () => {
  const any = { rtol: 1, atol: Infinity };
  for (const bad of [NaN, Infinity, -Infinity]) {
    assert.throws(() => assertClose([0, bad], [0, 1], any, "y"), /y\[1\]/);
    assert.throws(() => assertClose([0, 1], [0, bad], any, "y"), /y\[1\]/);
    assert.throws(() => assertClose([0, bad], [0, bad], any, "y"), /y\[1\]/);
  }
});

Deno.test("a wrong number of elements is refused", () => {
  assert.throws(
    () => assertClose([], [1], loose, "y"),
    /y has 0 elements, its reference 1/,
  );
});
