import assert from "node:assert/strict";
import fc from "fast-check";
import { isIntact, withChecksum } from "./record_checksum.ts";

const text = withChecksum('{\n "a": 1.25,\n "b": [\n  1\n ]\n}\n');

Deno.test("a record with its checksum is the same record", () => {
  const { sha256, ...rest } = JSON.parse(text);
  assert.match(sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual(rest, { a: 1.25, b: [1] });
  assert.ok(isIntact(text));
});

Deno.test("no sign of it can be another", () => {
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, sign) => {
      fc.pre(text[at] !== sign);
      // What hides the checksum's own name leaves a record without one, and no other does.
      const name = text.indexOf(',\n "sha256": "');
      fc.pre(at < name || at >= name + 14);
      assert.ok(!isIntact(text.slice(0, at) + sign + text.slice(at + 1)));
    }),
  );
});

Deno.test("what is cut off behind the checksum's name is found, and an older record is taken", () => {
  assert.ok(!isIntact(text.slice(0, -1)));
  assert.ok(!isIntact(text.slice(0, -20)));
  assert.ok(isIntact('{\n "a": 1\n}\n'));
});
