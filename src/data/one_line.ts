/**
 * Text from files in the messages of errors: one line, short, and nothing that a terminal would obey,
 * whatever the file holds.
 */

const MOST_VALUE = 80;
const MOST_MESSAGE = 400;

/** Control and format characters, line ends and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * An error's message, or a text, as one line: long ones without their middle, what cannot be printed
 * as `\u001b`.
 *
 * @example
 * ```ts
 * import { oneLine } from "./one_line.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(oneLine(new Error("gone\n\u001b[2Jwrong")), "gone \\u001b[2Jwrong");
 * ```
 */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return short(text, MOST_MESSAGE);
}

/** The same without a limit of length. */
export function printable(text: string): string {
  return text.trim().replace(/\s*[\r\n]\s*/g, " ").replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * A value of a file as JSON in one short line; `undefined` where there is none.
 *
 * @example
 * ```ts
 * import { quoted } from "./one_line.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(quoted({ a: [1] }), '{"a":[1]}');
 * assert.equal(quoted("x".repeat(1000)).length, 80);
 * ```
 */
export function quoted(value: unknown): string {
  return short(JSON.stringify(value) ?? "undefined", MOST_VALUE);
}

/** Cut before and after, because what cannot be printed becomes longer. */
function short(text: string, most: number): string {
  return shortened(printable(shortened(text, most)), most).toWellFormed();
}

function shortened(text: string, most: number): string {
  const tail = most >> 2;
  return text.length <= most ? text : `${text.slice(0, most - tail - 1)}…${text.slice(-tail)}`;
}
