import assert from "node:assert/strict";
import fc from "fast-check";
import { closest } from "./closest.ts";

Deno.test("a name with a slip or two is understood", () => {
  for (const slip of ["quik", "quickk", "uqick", "Quick"]) {
    assert.match(closest(slip, ["slake", "quick"]), /^; did you mean "quick"\?/, slip);
  }
});

Deno.test("a name that is like none gets the list only", () => {
  assert.equal(closest("standard", ["quick", "slake"]), ". There are quick, slake");
  assert.equal(closest("standard", ["quick"]), ". There is quick");
});

Deno.test("a known name is closest to itself", () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 });
  fc.assert(fc.property(names, fc.nat(), (known, index) => {
    const name = known[index % known.length];
    assert.ok(closest(name, known).startsWith(`; did you mean "${name}"?`));
  }));
});
