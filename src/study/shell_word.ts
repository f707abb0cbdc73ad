/** Words of command lines. */

/**
 * A text as one word for a POSIX shell, in single quotes where it needs them.
 *
 * @example
 * ```ts
 * import { shellWord } from "./shell_word.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(shellWord("a=1"), "a=1");
 * assert.equal(shellWord("it's"), "'it'\\''s'");
 * ```
 */
export function shellWord(text: string): string {
  return /^[\w.,:=/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
