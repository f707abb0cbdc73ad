/**
 * JSON that is not trusted: UTF-8, no deeper than any file of this project is, and no key twice in one
 * object, which one program reads as the first value and another as the last (RFC 8259, section 4).
 */
import { oneLine, quoted } from "./one_line.ts";

/** Lists and objects within each other; the deepest file that is read has a dozen. */
export const MOST_LEVELS = 100;

const QUOTE = 0x22, BACKSLASH = 0x5c, COLON = 0x3a, SPACE = 0x20;
const OPEN_LIST = 0x5b, CLOSE_LIST = 0x5d, OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/**
 * Parses a JSON text.
 *
 * @throws {SyntaxError} when it is no JSON, nested too deeply, or has a key twice; the message is the
 * reason alone, to stand behind the file's name
 *
 * @example
 * ```ts
 * import { parseJson } from "./json.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseJson('{"a": [1]}'), { a: [1] });
 * assert.throws(() => parseJson('{"a": 1, "a": 2}'), { message: 'key "a" is there twice' });
 * ```
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(oneLine(cause), { cause });
  }
  if (countWrittenKeys(text) !== countKeys(value)) throw twice(text);
  return value;
}

/**
 * Parses JSON from the bytes of a file.
 *
 * @throws {SyntaxError} as {@linkcode parseJson}, and when they are not UTF-8
 */
export function parseJsonBytes(bytes: Uint8Array): unknown {
  return parseJson(decodeUtf8(bytes));
}

/**
 * The text of UTF-8 bytes.
 *
 * @throws {SyntaxError} when they are not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxError("it is not UTF-8", { cause });
  }
}

/**
 * Counts the keys of a text that is known to be JSON.
 *
 * @throws {SyntaxError} when it is nested too deeply
 */
function countWrittenKeys(text: string): number {
  let levels = 0, keys = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case OPEN_LIST:
      case OPEN_OBJECT:
        if (++levels > MOST_LEVELS) {
          throw new SyntaxError(`it is nested deeper than ${MOST_LEVELS} levels`);
        }
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        levels--;
        break;
      case COLON:
        keys++;
        break;
      case QUOTE:
        at = endOfString(text, at);
        break;
    }
  }
  return keys;
}

/** Of a value that is not nested too deeply. Without lists of members, for a folder may have very many records. */
function countKeys(value: unknown): number {
  if (value === null || typeof value !== "object") return 0;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const member of value) if (typeof member === "object") keys += countKeys(member);
    return keys;
  }
  const members = value as Record<string, unknown>;
  for (const key in members) {
    keys++;
    if (typeof members[key] === "object") keys += countKeys(members[key]);
  }
  return keys;
}

/** The key that is twice in one object of the text. */
function twice(text: string): SyntaxError {
  /** Keys of each object that is open; null for a list. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case OPEN_LIST:
        open.push(null);
        break;
      case OPEN_OBJECT:
        open.push(new Set());
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        open.pop();
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        const keys = open.at(-1);
        if (keys && isKey(text, end)) {
          const key: string = JSON.parse(text.slice(at, end + 1));
          if (keys.has(key)) return new SyntaxError(`key ${quoted(key)} is there twice`);
          keys.add(key);
        }
        at = end;
        break;
      }
    }
  }
  return new SyntaxError("a key is there twice");
}

/** Place of the quotation mark that ends the string begun at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1);; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
}

function isKey(text: string, endOfString: number): boolean {
  let at = endOfString + 1;
  while (text.charCodeAt(at) <= SPACE) at++;
  return text.charCodeAt(at) === COLON;
}
