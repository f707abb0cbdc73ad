/**
 * Answers as the official VQA evaluator compares them, quirks included: they are part of the metric.
 *
 * Source: vqaEval.py of https://github.com/GT-Vision-Lab/VQA (Antol and others 2015, arXiv 1505.00468;
 * Goyal and others 2017, arXiv 1612.00837), as Python 3 runs it.
 */
import { CONTRACTIONS } from "./vqa_contractions.ts";

/** What counts as a symbol. An apostrophe, a colon, `$`, `%`, `&`, `*` and `#` do not. */
const SYMBOLS = /[;/[\]"{}()=+\\_\-><@`,?!]/g;
const DIGIT_COMMA_DIGIT = /\p{Nd},\p{Nd}/u;
const PERIODS = /\.(?!\p{Nd})/gu;
/** The evaluator hands a flag of the value 32 to the parameter that counts replacements. */
const MOST_PERIODS = 32;

/** What Python's `split` and `strip` take for white space; JavaScript's differ in a few characters. */
// deno-lint-ignore no-control-regex -- the separators 1C to 1F are white space in Python
const BLANKS = /[\p{White_Space}\x1c-\x1f]+/u;
const BLANK_ENDS = new RegExp(`^${BLANKS.source}|${BLANKS.source}$`, "gu");

const ARTICLES = new Set(["a", "an", "the"]);
const NUMBERS = new Map([
  ["none", "0"],
  ...["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    .map((word, value): [string, string] => [word, String(value)]),
]);

/**
 * An answer on one line, ends trimmed: what the evaluator does to every answer before it looks
 * whether the people agree.
 */
export function trimVqaAnswer(answer: string): string {
  return answer.replace(/[\n\t]/g, " ").replace(BLANK_ENDS, "");
}

/**
 * An answer as the official evaluator normalises it where people's answers differ: symbols deleted
 * or turned into a blank, periods deleted unless a digit follows, lower-cased, number words up to
 * ten as digits, articles dropped, apostrophes of contractions restored.
 *
 * A symbol is deleted, wherever it stands, if it touches a blank anywhere in the answer or if the
 * answer holds digit-comma-digit; otherwise it becomes a blank.
 *
 * @example
 * ```ts
 * import { normaliseVqaAnswer } from "./vqa_normalisation.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(normaliseVqaAnswer("The two dogs."), "2 dogs");
 * assert.equal(normaliseVqaAnswer("dont know"), "don't know");
 * assert.equal(normaliseVqaAnswer("black/white"), "black white");
 * assert.equal(normaliseVqaAnswer("12,000"), "12000");
 * ```
 */
export function normaliseVqaAnswer(answer: string): string {
  return restoreWords(dropPunctuation(trimVqaAnswer(answer)));
}

function dropPunctuation(text: string): string {
  const dropsAll = DIGIT_COMMA_DIGIT.test(text);
  const touchesBlank = (symbol: string) =>
    text.includes(`${symbol} `) || text.includes(` ${symbol}`);
  let periods = 0;
  return text
    .replace(SYMBOLS, (symbol) => dropsAll || touchesBlank(symbol) ? "" : " ")
    .replace(PERIODS, (period) => ++periods <= MOST_PERIODS ? "" : period);
}

function restoreWords(text: string): string {
  return text.toLowerCase().split(BLANKS)
    .filter((word) => word !== "")
    .map((word) => NUMBERS.get(word) ?? word)
    .filter((word) => !ARTICLES.has(word))
    .map((word) => CONTRACTIONS.get(word) ?? word)
    .join(" ");
}
