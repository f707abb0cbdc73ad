/**
 * VQA accuracy by exact match, for data whose questions have one true answer each.
 */
import type { Accuracy, TypeAccuracy } from "../study/record.ts";

/** What scoring needs to know of a question. */
export interface ScoredQuestion {
  /** The true answer. */
  answer: string;
  /** Question type under which the accuracy is reported. */
  type: string;
}

/**
 * An answer as it is compared: lower-cased, every punctuation mark and symbol removed (Unicode
 * classes P and S), runs of blanks collapsed to one, both ends trimmed. Articles and number words
 * stay as they are.
 *
 * @example
 * ```ts
 * import { normaliseAnswer } from "./vqa_accuracy.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(normaliseAnswer(" Light-Blue! "), "lightblue");
 * ```
 */
export function normaliseAnswer(answer: string): string {
  return answer
    .toLowerCase()
    .replace(/[\p{P}\p{S}]/gu, "")
    .replace(/\s+/gu, " ")
    .trim();
}

/**
 * Whether a generated answer is the true one after {@linkcode normaliseAnswer}.
 *
 * @example
 * ```ts
 * import { isCorrect } from "./vqa_accuracy.ts";
 * import assert from "node:assert/strict";
 *
 * assert.ok(isCorrect("Red.", "red"));
 * assert.ok(!isCorrect("dark red", "red"));
 * ```
 */
export function isCorrect(generated: string, truth: string): boolean {
  return normaliseAnswer(generated) === normaliseAnswer(truth);
}

/**
 * Share of answers that match exactly, over all questions and by question type (in code-unit order
 * of the types).
 *
 * @param questions the questions asked
 * @param answers the generated answers, in the order of the questions
 * @throws {RangeError} when there are no questions or the two lengths differ
 *
 * @example
 * ```ts
 * import { scoreAnswers } from "./vqa_accuracy.ts";
 * import assert from "node:assert/strict";
 *
 * const questions = [
 *   { answer: "red", type: "color" },
 *   { answer: "blue", type: "color" },
 *   { answer: "circle", type: "shape" },
 *   { answer: "yes", type: "yes/no" },
 * ];
 * assert.deepEqual(scoreAnswers(questions, ["red", "red", "circle", "Yes"]), {
 *   overall: 0.75,
 *   byType: {
 *     color: { accuracy: 0.5, n: 2 },
 *     shape: { accuracy: 1, n: 1 },
 *     "yes/no": { accuracy: 1, n: 1 },
 *   },
 * });
 * ```
 */
export function scoreAnswers(
  questions: readonly ScoredQuestion[],
  answers: readonly string[],
): Accuracy {
  if (questions.length === 0) {
    throw new RangeError("Cannot score answers: there are no questions");
  }
  if (questions.length !== answers.length) {
    throw new RangeError(
      `Cannot score answers: ${questions.length} questions have ${answers.length} answers`,
    );
  }
  const tallies = new Map<string, { right: number; n: number }>();
  let right = 0;
  questions.forEach(({ answer, type }, i) => {
    const tally = tallies.get(type) ?? { right: 0, n: 0 };
    const point = isCorrect(answers[i], answer) ? 1 : 0;
    tallies.set(type, { right: tally.right + point, n: tally.n + 1 });
    right += point;
  });
  const byType: Record<string, TypeAccuracy> = Object.fromEntries(
    [...tallies.keys()].sort().map((type) => {
      const { right, n } = tallies.get(type)!;
      return [type, { accuracy: right / n, n }];
    }),
  );
  return { overall: right / questions.length, byType };
}
