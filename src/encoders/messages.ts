/**
 * Messages between a program and its child process over standard input and output: a JSON header and raw bytes.
 *
 * Layout: two uint32 (little endian), the lengths of header and payload; then both.
 */

/** One message. */
export interface Message<Header> {
  header: Header;
  payload: Uint8Array<ArrayBuffer>;
}

/** A function that sends a message and resolves when it is written. */
export function messageWriter<Header>(
  stream: WritableStream<Uint8Array>,
): (message: Message<Header>) => Promise<void> {
  const writer = stream.getWriter();
  return async ({ header, payload }) => {
    const json = new TextEncoder().encode(JSON.stringify(header));
    const lengths = new DataView(new ArrayBuffer(8));
    lengths.setUint32(0, json.length, true);
    lengths.setUint32(4, payload.length, true);
    for (const part of [new Uint8Array(lengths.buffer), json, payload]) await writer.write(part);
  };
}

/**
 * A function that waits for the next message; null when the stream has ended.
 *
 * The payload has a buffer of its own, so it can be viewed as numbers of any size.
 *
 * @throws {SyntaxError} when the stream ends within a message
 */
export function messageReader<Header>(
  stream: ReadableStream<Uint8Array>,
): () => Promise<Message<Header> | null> {
  const reader = stream.getReader();
  let rest: Uint8Array = new Uint8Array();
  const take = async (length: number) => {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      if (rest.length === 0) {
        const { value, done } = await reader.read();
        if (done) return filled === 0 ? null : cutOff();
        rest = value;
      }
      const part = rest.subarray(0, length - filled);
      bytes.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
    }
    return bytes;
  };
  return async () => {
    const lengths = await take(8);
    if (lengths === null) return null;
    const view = new DataView(lengths.buffer);
    const header = await take(view.getUint32(0, true)) ?? cutOff();
    const payload = await take(view.getUint32(4, true)) ?? cutOff();
    return { header: JSON.parse(new TextDecoder().decode(header)), payload };
  };
}

function cutOff(): never {
  throw new SyntaxError("Cannot read message: the stream ended within it");
}
