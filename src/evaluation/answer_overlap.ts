/**
 * How much of the true answer a generated one has, word by word: token F1 and BLEU-1. Words are those
 * of answers as they are compared, without case and punctuation.
 *
 * Of answers of one word, true and generated, both are exact match: 1 where the words are equal, else
 * 0. They tell more only where answers have several words.
 */
import type { AnswerOverlap } from "../records/record.ts";
import { isCorrect, normaliseAnswer } from "./vqa_accuracy.ts";

/** Left out of token F1, as SQuAD does. */
const ARTICLES = new Set(["a", "an", "the"]);

/**
 * Token F1: the harmonic mean of the share of generated words that are in the true answer and the
 * share of true words that were generated. A word counts as often as it stands in both; articles are
 * left out. Answers without a word agree with each other alone.
 *
 * Source: Rajpurkar and others, "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (2016),
 * arXiv 1606.05250; answers without a word as in version 2 (2018, arXiv 1806.03822).
 *
 * @returns from 0 to 1
 *
 * @example
 * ```ts
 * import { tokenF1 } from "./answer_overlap.ts";
 * import assert from "node:assert/strict";
 *
 * // Precision 1 / 2, recall 1 / 1.
 * assert.equal(tokenF1("the left lung", "lung"), 2 / 3);
 * assert.equal(tokenF1("Lung.", "the lung"), 1);
 * ```
 */
export function tokenF1(generated: string, truth: string): number {
  const [said, right] = [generated, truth].map((answer) =>
    wordsOf(answer).filter((word) => !ARTICLES.has(word))
  );
  if (said.length === 0 || right.length === 0) return said.length === right.length ? 1 : 0;
  return 2 * commonWords(said, right) / (said.length + right.length);
}

/**
 * BLEU-1 of one answer: the share of generated words that are in the true answer, a word counted at
 * most as often as it stands there, times the brevity penalty exp(1 - r / c) where the c generated
 * words are fewer than the r true ones. An answer without a word has 1 if the true one has none
 * either, else 0.
 *
 * Source: Papineni and others, "BLEU: a Method for Automatic Evaluation of Machine Translation"
 * (2002), ACL, sections 2.1 and 2.3; with unigrams alone, and of one answer, where BLEU pools a
 * corpus.
 *
 * @returns from 0 to 1
 *
 * @example
 * ```ts
 * import { bleu1 } from "./answer_overlap.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(bleu1("left left lung", "left lung"), 2 / 3);
 * assert.equal(bleu1("lung", "left lung"), Math.exp(-1));
 * ```
 */
export function bleu1(generated: string, truth: string): number {
  const said = wordsOf(generated), right = wordsOf(truth);
  if (said.length === 0) return right.length === 0 ? 1 : 0;
  const precision = commonWords(said, right) / said.length;
  return precision * Math.min(1, Math.exp(1 - right.length / said.length));
}

/**
 * Exact match, token F1 and BLEU-1, each as its mean over questions.
 *
 * @throws {RangeError} when there are no pairs
 *
 * @example
 * ```ts
 * import { meanOverlap } from "./answer_overlap.ts";
 * import assert from "node:assert/strict";
 *
 * const pairs = [{ generated: "red", truth: "Red" }, { generated: "a lung", truth: "left lung" }];
 * assert.deepEqual(meanOverlap(pairs), { exactMatch: 0.5, tokenF1: (1 + 2 / 3) / 2, bleu1: 0.75 });
 * ```
 */
export function meanOverlap(
  pairs: readonly { generated: string; truth: string }[],
): AnswerOverlap {
  if (pairs.length === 0) throw new RangeError("Cannot compare answers: there are none");
  const mean = (score: (generated: string, truth: string) => number) =>
    pairs.reduce((sum, { generated, truth }) => sum + score(generated, truth), 0) / pairs.length;
  return {
    exactMatch: mean((generated, truth) => isCorrect(generated, truth) ? 1 : 0),
    tokenF1: mean(tokenF1),
    bleu1: mean(bleu1),
  };
}

function wordsOf(answer: string): string[] {
  return normaliseAnswer(answer).split(" ").filter((word) => word !== "");
}

/** Words that two answers share, each as often as it stands in both. */
function commonWords(a: readonly string[], b: readonly string[]): number {
  const left = new Map<string, number>();
  for (const word of b) left.set(word, (left.get(word) ?? 0) + 1);
  return a.filter((word) => {
    const count = left.get(word) ?? 0;
    left.set(word, count - 1);
    return count > 0;
  }).length;
}
