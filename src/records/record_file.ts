/**
 * A record in a file: read, parsed and checked field by field, with messages that name file and field.
 */
import type { z } from "zod";
import { decodeUtf8, parseJson } from "../data/json.ts";
import { oneLine } from "../data/one_line.ts";
import { readWholeSync } from "../data/read_whole.ts";

/**
 * Reads a record of this layout.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {SyntaxError} when it is not JSON
 * @throws {TypeError} when a field is wrong
 * @throws {RangeError} when it cannot be read or is far too large
 */
export function readRecord<T>(path: string, schema: z.ZodType<T>): T {
  return validate(path, readJson(path).value, schema);
}

/**
 * What was read, if it has this layout.
 *
 * @param path for the message
 * @throws {TypeError} when a field is wrong
 */
export function validate<T>(path: string, record: unknown, schema: z.ZodType<T>): T {
  const { success, data, error } = schema.safeParse(record);
  if (success) return data;
  const { path: field, message } = error.issues[0];
  const what = message.replace(/^Invalid input: /, "");
  throw new TypeError(
    `Cannot read record: "${path}" field "${oneLine(field.join("."))}": ${oneLine(what)}`,
  );
}

/**
 * Reads JSON, and gives its text as well.
 *
 * Synchronous: a folder may have very many, each so small that waiting for it costs more than reading it.
 *
 * @throws {Error} as {@linkcode readRecord}, but for fields
 */
export function readJson(path: string): { text: string; value: unknown } {
  let bytes: Uint8Array;
  try {
    bytes = readWholeSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`Cannot read record: "${path}" does not exist`);
    }
    throw new RangeError(`Cannot read record: "${path}": ${oneLine(error)}`, { cause: error });
  }
  try {
    const text = decodeUtf8(bytes);
    return { text, value: parseJson(text) };
  } catch (error) {
    throw new SyntaxError(
      `Cannot read record: "${path}" is not complete JSON (${oneLine(error)})`,
      { cause: error },
    );
  }
}
