/** What names a run beyond any doubt. */
import { sha256 } from "../data/sha256.ts";

/**
 * Id of a run: SHA-256, in hex, over all that determines its weights and answers.
 *
 * Fields count by name and value, not by their order.
 *
 * @param determinants resolved settings, hashes of data and models, kernel plan, adapter and driver,
 * engine number; anything that JSON holds
 *
 * @example
 * ```ts
 * import { runId } from "./run_id.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(runId({ seed: 1, arm: "a" }), runId({ arm: "a", seed: 1 }));
 * assert.notEqual(runId({ seed: 1 }), runId({ seed: 2 }));
 * ```
 */
export function runId(determinants: object): string {
  return sha256(JSON.stringify(determinants, inOrder));
}

function inOrder(_: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
}
