import assert from "node:assert/strict";
import fc from "fast-check";
import { oneLine, printable, quoted } from "./one_line.ts";

Deno.test("whatever the text, a message is one short line that a terminal does not obey", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 1000 }), (text) => {
      for (const line of [oneLine(text), oneLine(new Error(text)), quoted(text)]) {
        assert.match(line, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u);
        assert.ok(line.length <= 400);
      }
    }),
  );
});

Deno.test("ordinary text stays as it is", () => {
  for (const text of ["naïve 肺 \u{1f600}", 'a "b" c']) assert.equal(printable(text), text);
  assert.equal(printable("two\n  lines\r\n"), "two lines");
  assert.equal(quoted([1, "a"]), '[1,"a"]');
  assert.equal(quoted(undefined), "undefined");
});

Deno.test("a long text keeps its two ends", () => {
  const line = oneLine(`start ${"x".repeat(1e6)} end`);
  assert.equal(line.length, 400);
  assert.match(line, /^start x+…x+ end$/);
});
