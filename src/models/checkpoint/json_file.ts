/** Reads the JSON files of a model folder. */
import { isObject, type JsonObject } from "./config.ts";

/**
 * A JSON file's object; null where there is no such file.
 *
 * @throws {SyntaxError} If it holds no JSON object
 */
export async function readJson(path: string): Promise<JsonObject | null> {
  const text = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  return text === null ? null : parseJsonObject(text, path);
}

/**
 * The object that a JSON text describes.
 *
 * @param where the file, for the error
 * @throws {SyntaxError} If it is no JSON object
 */
export function parseJsonObject(text: string, where: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyntaxError(`Cannot read "${where}": ${reason}`, { cause });
  }
  if (!isObject(value)) throw new SyntaxError(`Cannot read "${where}": it is no JSON object`);
  return value;
}
