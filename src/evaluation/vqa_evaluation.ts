/**
 * VQA accuracy over many questions, as the official script reports it: in percent with two
 * decimals, overall, by question type, by answer type and by question.
 *
 * Source: vqaEval.py of https://github.com/GT-Vision-Lab/VQA.
 */

/** A question with the score of its answer. */
export interface VqaScore {
  /** `question_id`; a number in VQA v2.0. */
  id: number | string;
  /** `question_type`: how the question begins, as `is there a`. */
  questionType: string;
  /** `answer_type`: `yes/no`, `number` or `other`. */
  answerType: string;
  /** VQA accuracy of the answer, from 0 to 1. */
  score: number;
}

/** What the official script leaves: percentages with two decimals, types in order of appearance. */
export interface VqaEvaluation {
  /** Means over questions. */
  accuracy: {
    overall: number;
    perQuestionType: Record<string, number>;
    perAnswerType: Record<string, number>;
  };
  /** By question id. */
  evalQA: Record<string, number>;
}

/**
 * Averages scores as the official script does.
 *
 * @throws {RangeError} when there is no score
 *
 * @example
 * ```ts
 * import { evaluateVqa } from "./vqa_evaluation.ts";
 * import assert from "node:assert/strict";
 *
 * const { accuracy, evalQA } = evaluateVqa([
 *   { id: 1, questionType: "is there a", answerType: "yes/no", score: 1 },
 *   { id: 2, questionType: "what color is the", answerType: "other", score: 0.3 },
 *   { id: 3, questionType: "what color is the", answerType: "other", score: 0 },
 * ]);
 * assert.equal(accuracy.overall, 43.33);
 * assert.deepEqual(accuracy.perAnswerType, { "yes/no": 100, other: 15 });
 * assert.deepEqual(evalQA, { 1: 100, 2: 30, 3: 0 });
 * ```
 */
export function evaluateVqa(scores: readonly VqaScore[]): VqaEvaluation {
  if (scores.length === 0) {
    throw new RangeError("Cannot average VQA accuracy: there are no scores");
  }
  const by = (type: "questionType" | "answerType") =>
    Object.fromEntries(
      [...Map.groupBy(scores, (score) => score[type])].map(([name, group]) => [name, mean(group)]),
    );
  return {
    accuracy: {
      overall: mean(scores),
      perQuestionType: by("questionType"),
      perAnswerType: by("answerType"),
    },
    evalQA: Object.fromEntries(scores.map(({ id, score }) => [id, inPercent(score)])),
  };
}

function mean(scores: readonly VqaScore[]): number {
  return inPercent(scores.reduce((sum, { score }) => sum + score, 0) / scores.length);
}

/** A share as Python's `round(100 * share, 2)`: where two decimals are equally near, the even one. */
function inPercent(share: number): number {
  const percent = 100 * share;
  // Of two decimals, only odd eighths lie halfway, and `toFixed` takes the upper neighbour.
  const isTieToLower = (percent * 8) % 4 === 1;
  return isTieToLower ? Math.floor(percent * 100) / 100 : Number(percent.toFixed(2));
}
