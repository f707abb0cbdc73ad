/**
 * VQA accuracy over a test set: by exact match where a question has one true answer, by the official
 * rule where several people have answered it.
 */
import type { Accuracy, GivenAnswer, TypeAccuracy } from "../records/record.ts";
import { vqaAccuracy } from "./consensus_accuracy.ts";

/** What scoring needs to know of a question. */
export interface ScoredQuestion {
  /** The true answer. */
  answer: string;
  /** What each of several people answered; then the score is {@linkcode vqaAccuracy}. */
  answers?: readonly string[];
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
 * Score of a generated answer, from 0 to 1: {@linkcode vqaAccuracy} where several people have
 * answered the question, else 1 where it is the true answer and 0 where not.
 *
 * @example
 * ```ts
 * import { scoreAnswer } from "./vqa_accuracy.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(scoreAnswer("Red.", { answer: "red" }), 1);
 * const answers = ["red", "red", "red", "red", "pink", "rose", "red", "red", "pink", "red"];
 * assert.equal(Math.round(100 * scoreAnswer("pink", { answer: "red", answers })), 60);
 * ```
 */
export function scoreAnswer(
  generated: string,
  { answer, answers }: Omit<ScoredQuestion, "type">,
): number {
  if (answers === undefined) return isCorrect(generated, answer) ? 1 : 0;
  // Each answer is another person's, whatever they said.
  return vqaAccuracy(generated, answers.map((answer, person) => ({ answer, person })));
}

/** The score that a recorded answer has: its own, else 1 where it is right and 0 where not. */
export function recordedScore({ correct, score }: Pick<GivenAnswer, "correct" | "score">): number {
  return score ?? Number(correct);
}

/**
 * Mean of {@linkcode scoreAnswer} over all questions and by question type (in code-unit order of the
 * types).
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
  const tallies = new Map<string, { points: number; n: number }>();
  let points = 0;
  questions.forEach((question, i) => {
    const tally = tallies.get(question.type) ?? { points: 0, n: 0 };
    const score = scoreAnswer(answers[i], question);
    tallies.set(question.type, { points: tally.points + score, n: tally.n + 1 });
    points += score;
  });
  const byType: Record<string, TypeAccuracy> = Object.fromEntries(
    [...tallies.keys()].sort().map((type) => {
      const { points, n } = tallies.get(type)!;
      return [type, { accuracy: points / n, n }];
    }),
  );
  return { overall: points / questions.length, byType };
}
