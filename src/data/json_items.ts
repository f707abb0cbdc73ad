/**
 * The objects of a long JSON list one by one, from bytes as they arrive: the file never stands in
 * memory as a whole, nor as one text, which might be longer than a JavaScript string can be.
 *
 * Objects are cut out where their braces balance, and each is parsed on its own. What is left over
 * has an empty object in the place of each and is parsed at the end, so that the whole is checked:
 * a file is JSON when its objects and the rest are.
 */
import { parseJson } from "./json.ts";
import { oneLine } from "./one_line.ts";

/** An object of the list is no longer, so that a file that never ends one cannot fill the memory. */
const MOST_CHARACTERS = 64e6;

const QUOTE = 0x22, BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b, CLOSE_LIST = 0x5d, OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/**
 * Yields the objects of a JSON list.
 *
 * @param bytes the file, UTF-8
 * @param field the field of the outermost object that holds the list; absent where the file is the list
 * @throws {SyntaxError} when an object or the rest is no JSON; objects before it have been yielded then
 * @throws {TypeError} when there is no such list, or something in it is no object
 * @throws {RangeError} when an object, or all that is none, is longer than {@linkcode MOST_CHARACTERS}.
 * Messages are made to stand behind the file's name.
 *
 * @example
 * ```ts
 * import { jsonItems } from "./json_items.ts";
 * import assert from "node:assert/strict";
 *
 * const { body } = new Response('{"year": 2017, "questions": [{"id": 1}, {"id": 2}]}');
 * assert.deepEqual(await Array.fromAsync(jsonItems(body!, "questions")), [{ id: 1 }, { id: 2 }]);
 * ```
 */
export async function* jsonItems(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  field?: string,
): AsyncGenerator<unknown> {
  const scan = scanner(field);
  let rest = "", count = 0;
  for await (const text of texts(bytes)) {
    const found = scan(text);
    rest += found.rest;
    for (const item of found.items) yield parse(item, `entry ${count++} `);
    if (Math.max(rest.length, found.begun) > MOST_CHARACTERS) {
      const what = found.begun > MOST_CHARACTERS ? `entry ${count}` : "what is no entry";
      throw new RangeError(`${what} has more than ${MOST_CHARACTERS} characters`);
    }
  }
  checkRest(parse(rest + scan("", true).rest, ""), field, count);
}

/** UTF-8 as it arrives. */
async function* texts(bytes: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (part?: Uint8Array<ArrayBuffer>) => {
    try {
      return decoder.decode(part, { stream: part !== undefined });
    } catch (cause) {
      throw new SyntaxError("is no JSON: it is not UTF-8", { cause });
    }
  };
  for await (const part of bytes) yield decode(part);
  yield decode();
}

/**
 * Cuts the objects of the list out of a text that comes in pieces, each piece with what was left of
 * the one before. An object that has not ended yet is part of the rest only at the end of the file.
 */
function scanner(field: string | undefined) {
  /** So many brackets are open before an object of the list. */
  const listDepth = field === undefined ? 1 : 2;
  const wanted = field === undefined ? "" : JSON.stringify(field);
  let begun = "", key = "";
  let depth = 0;
  let isInString = false, isEscaped = false, isInList = false, isInItem = false;

  return (text: string, isEnd = false): { items: string[]; rest: string; begun: number } => {
    const items: string[] = [];
    let rest = "";
    /** Where that which belongs to neither an item nor the rest yet begins. */
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (isInString) {
        // No longer than what tells it from the wanted one.
        if (depth === 1 && key.length <= wanted.length) key += text[at];
        if (isEscaped) isEscaped = false;
        else if (code === BACKSLASH) isEscaped = true;
        else if (code === QUOTE) isInString = false;
        continue;
      }
      switch (code) {
        case QUOTE:
          isInString = true;
          // Of the strings in the outermost object, the last one before a list names it.
          if (depth === 1) key = '"';
          break;
        case OPEN_LIST:
          depth++;
          if (depth === listDepth) isInList = key === wanted;
          break;
        case OPEN_OBJECT:
          if (isInList && depth === listDepth) {
            rest += text.slice(start, at);
            start = at;
            isInItem = true;
          }
          depth++;
          break;
        case CLOSE_LIST:
        case CLOSE_OBJECT:
          depth--;
          if (isInItem && depth === listDepth) {
            items.push(begun + text.slice(start, at + 1));
            begun = "";
            rest += "{}";
            start = at + 1;
            isInItem = false;
          } else if (depth < listDepth) isInList = false;
          break;
      }
    }
    if (isInItem) begun += text.slice(start);
    else rest += text.slice(start);
    return { items, rest: isEnd ? rest + begun : rest, begun: begun.length };
  };
}

function parse(text: string, place: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new SyntaxError(`${place}is no JSON: ${oneLine(error)}`, { cause: error });
  }
}

/** What is left when the objects are cut out must hold the list, and the list nothing but objects. */
function checkRest(rest: unknown, field: string | undefined, count: number) {
  if (field !== undefined && !isObject(rest)) throw new TypeError("is no object");
  const list = field === undefined ? rest : (rest as Record<string, unknown>)[field];
  const name = field === undefined ? "" : `field "${field}" `;
  if (list === undefined) throw new TypeError(`has no field "${field}"`);
  if (!Array.isArray(list)) throw new TypeError(`${name}is no list`);
  const wrong = list.findIndex((entry) => !isObject(entry));
  if (wrong >= 0) throw new TypeError(`entry ${wrong} is no object`);
  if (list.length !== count) throw new TypeError(`${name}is not written as its name`);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
