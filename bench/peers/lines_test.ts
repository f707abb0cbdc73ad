import assert from "node:assert/strict";
import { lines } from "./lines.ts";

Deno.test("lines are whole however the stream is cut, the last one without its end too", async () => {
  const bytes = new TextEncoder().encode('{"a":"é"}\n\n{"b":2}\nrest');
  for (let size = 1; size < 8; size++) {
    const parts = Array.from(
      { length: Math.ceil(bytes.length / size) },
      (_, i) => bytes.slice(i * size, (i + 1) * size),
    );
    const read = await Array.fromAsync(lines(ReadableStream.from(parts)));
    assert.deepEqual(read, ['{"a":"é"}', "", '{"b":2}', "rest"]);
  }
});
