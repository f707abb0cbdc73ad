/**
 * The majority control: what a guesser reaches who knows the question but has neither picture nor model.
 */
import type { Accuracy } from "../records/record.ts";
import { normaliseAnswer, scoreAnswers, type ScoredQuestion } from "./vqa_accuracy.ts";

/** What the majority control learns from. */
export interface AnsweredQuestion {
  /** The question, compared as it stands. */
  text: string;
  /** Its true answer. */
  answer: string;
}

/**
 * Accuracy of always giving the commonest training answer to the same question text.
 *
 * Answers are counted as they are compared, so `Yes` and `yes` are one, and given as they were most
 * often spelt. Of equally common answers the first in code-unit order wins, whatever the order of the
 * questions. A question text that training never showed gets the commonest answer overall.
 *
 * @throws {RangeError} when there is no training or no test question
 *
 * @example
 * ```ts
 * import { majorityBaseline } from "./majority.ts";
 * import assert from "node:assert/strict";
 *
 * const train = [
 *   { text: "what color is it?", answer: "red" },
 *   { text: "what color is it?", answer: "red" },
 *   { text: "what color is it?", answer: "blue" },
 * ];
 * const test = [
 *   { text: "what color is it?", answer: "red", type: "color" },
 *   { text: "what color is it?", answer: "blue", type: "color" },
 * ];
 * assert.equal(majorityBaseline(train, test).overall, 0.5);
 * ```
 */
export function majorityBaseline(
  train: readonly AnsweredQuestion[],
  test: readonly (AnsweredQuestion & ScoredQuestion)[],
): Accuracy {
  if (train.length === 0) {
    throw new RangeError(
      "Cannot find the majority answer: there are no training questions",
    );
  }
  const overall = new Map<string, number>();
  const byText = new Map<string, Map<string, number>>();
  const spellings = new Map<string, Map<string, number>>();
  for (const { text, answer } of train) {
    const key = normaliseAnswer(answer);
    increment(countsOf(byText, text), key);
    increment(countsOf(spellings, key), answer);
    increment(overall, key);
  }
  const spelt = (key: string) => commonest(spellings.get(key)!);
  const fallback = spelt(commonest(overall));
  const answers = new Map(
    [...byText].map(([text, counts]) => [text, spelt(commonest(counts))]),
  );
  return scoreAnswers(
    test,
    test.map(({ text }) => answers.get(text) ?? fallback),
  );
}

function countsOf(all: Map<string, Map<string, number>>, key: string): Map<string, number> {
  const counts = all.get(key) ?? new Map<string, number>();
  all.set(key, counts);
  return counts;
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function commonest(counts: ReadonlyMap<string, number>): string {
  const most = [...counts.values()].reduce((a, b) => Math.max(a, b));
  return [...counts].filter(([, n]) => n === most).map(([answer]) => answer)
    .sort()[0];
}
