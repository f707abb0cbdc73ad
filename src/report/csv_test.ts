import assert from "node:assert/strict";
import { csv } from "./csv.ts";

Deno.test("a cell is quoted where it would be misread, and empty where there is no value", () => {
  assert.equal(
    csv(["arm", "value"], [
      ["plain", 0.1 + 0.2],
      ['a, "b"', null],
      ["two\nlines", undefined],
      [" blank", NaN],
      ["last", true],
    ]),
    "arm,value\n" +
      "plain,0.30000000000000004\n" +
      '"a, ""b""",\n' +
      '"two\nlines",\n' +
      '" blank",NaN\n' +
      "last,true\n",
  );
});
