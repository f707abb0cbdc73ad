/** What is wrong with JSON, in words that stand behind the name of its file. */
import { oneLine } from "./one_line.ts";

/**
 * Where a value misses its schema: ` entry 3 has no field "answer"`, ` entry 3, field "qid": ...`.
 *
 * @param issue the schema's complaint
 *
 * @example
 * ```ts
 * import { misfit } from "./misfit.ts";
 * import assert from "node:assert/strict";
 *
 * const issue = { path: [1, "answer"], message: "expected string" };
 * assert.equal(misfit([{}, {}], issue), ' entry 1 has no field "answer"');
 * assert.equal(misfit([{}, { answer: 5 }], issue), ' entry 1, field "answer": expected string');
 * ```
 */
export function misfit(
  value: unknown,
  { path, message }: { path: PropertyKey[]; message: string },
): string {
  const place = path.map((key) =>
    typeof key === "number" ? ` entry ${key}` : `, field "${oneLine(String(key))}"`
  );
  const found = path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown>)[key],
    value,
  );
  const field = path.at(-1);
  return found === undefined && typeof field === "string"
    ? `${place.slice(0, -1).join("")} has no field "${field}"`
    : `${place.join("")}: ${oneLine(message)}`;
}
