/** "Did you mean": the nearest known name to a mistyped one. */

/**
 * A hint behind an error: the nearest name, if one is near, and all names.
 *
 * @example
 * ```ts
 * import { closest } from "./closest.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(closest("quik", ["quick", "slake"]), `; did you mean "quick"? There are quick, slake`);
 * ```
 */
export function closest(name: string, known: readonly string[]): string {
  const ranked = known.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  const hint = best && best.distance <= Math.max(2, best.candidate.length / 3)
    ? `; did you mean "${best.candidate}"?`
    : ".";
  return `${hint} There ${known.length === 1 ? "is" : "are"} ${known.join(", ")}`;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
