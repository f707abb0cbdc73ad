import assert from "node:assert/strict";
import fc from "fast-check";
import { type Message, messageReader, messageWriter } from "./messages.ts";

async function written(messages: Message<unknown>[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const write = messageWriter(
    new WritableStream<Uint8Array>({ write: (part) => void parts.push(part.slice()) }),
  );
  for (const message of messages) await write(message);
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

/** A stream of the bytes in chunks of one size. */
function chunked(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at += size));
    },
  });
}

Deno.test("messages come back whole, however the stream is cut", async () => {
  const message = fc.record({
    header: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
    payload: fc.uint8Array({ maxLength: 50 }).map((bytes) => Uint8Array.from(bytes)),
  }, { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 4 }),
      fc.integer({ min: 1, max: 40 }),
      async (messages, size) => {
        const read = messageReader(chunked(await written(messages), size));
        for (const want of messages) assert.deepEqual(await read(), want);
        assert.equal(await read(), null);
      },
    ),
  );
});

Deno.test("a stream that ends within a message is refused", async () => {
  const bytes = await written([{ header: { a: 1 }, payload: Uint8Array.of(1, 2, 3) }]);
  for (let length = 1; length < bytes.length; length++) {
    const read = messageReader(chunked(bytes.subarray(0, length), 5));
    await assert.rejects(read(), { name: "SyntaxError", message: /ended within/ });
  }
});
