import assert from "node:assert/strict";
import fc from "fast-check";
import { MOST_LEVELS, parseJson, parseJsonBytes } from "./json.ts";

Deno.test("what has each key once and is not too deep is as JSON.parse has it", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(parseJson(text), JSON.parse(text));
    }),
  );
});

Deno.test("a key that stands twice in one object is refused, however it is written", () => {
  const twice = { name: "SyntaxError", message: 'key "a" is there twice' };
  for (
    const text of [
      '{"a": 1, "a": 1}',
      '{"a": {}, "b": ["a", "a"], "a"\n :1}',
      '[{"b": "\\\\", "\\u0061": "\\"", "a": 2}]',
    ]
  ) {
    assert.throws(() => parseJson(text), twice);
  }
  const other = '{"a": "\\"a\\": 1", "b": {"a": "a"}, "\\\\a": [{"a": 1}, {"a": 2}]}';
  assert.deepEqual(parseJson(other), JSON.parse(other));
});

Deno.test("depth has a limit", () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  parseJson(nested(MOST_LEVELS));
  for (const levels of [MOST_LEVELS + 1, 1e6]) {
    assert.throws(() => parseJson(nested(levels)), {
      name: "SyntaxError",
      message: "it is nested deeper than 100 levels",
    });
  }
  parseJson(JSON.stringify("[".repeat(1000)));
});

Deno.test("bytes that are not UTF-8 are refused, a byte order mark is none of the text", () => {
  assert.throws(() => parseJsonBytes(Uint8Array.of(0x22, 0xff, 0x22)), {
    name: "SyntaxError",
    message: "it is not UTF-8",
  });
  assert.equal(parseJsonBytes(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)), 1);
});
