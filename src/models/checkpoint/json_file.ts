/** Reads the JSON files of a model folder. */
import { decodeUtf8, parseJson } from "../../data/json.ts";
import { oneLine } from "../../data/one_line.ts";
import { readWhole } from "../../data/read_whole.ts";
import { isObject, type JsonObject } from "./config.ts";

/**
 * A JSON file's object; null where there is no such file.
 *
 * @throws {SyntaxError} If it holds no JSON object
 * @throws {RangeError} If it cannot be read, or is far too large
 */
export async function readJson(path: string): Promise<JsonObject | null> {
  const bytes = await readWhole(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new RangeError(`Cannot read "${path}": ${oneLine(error)}`, { cause: error });
  });
  return bytes === null ? null : parseObject(() => decodeUtf8(bytes), path);
}

/**
 * The object that a JSON text describes.
 *
 * @param where the file, for the error
 * @throws {SyntaxError} If it is no JSON object
 */
export function parseJsonObject(text: string, where: string): JsonObject {
  return parseObject(() => text, where);
}

function parseObject(text: () => string, where: string): JsonObject {
  let value: unknown;
  try {
    value = parseJson(text());
  } catch (cause) {
    throw new SyntaxError(`Cannot read "${where}": ${oneLine(cause)}`, { cause });
  }
  if (!isObject(value)) throw new SyntaxError(`Cannot read "${where}": it is no JSON object`);
  return value;
}
