/**
 * Answers in the layout of official VQA results: `[{question_id, answer}]`.
 */
import { VQA_V2 } from "../data/vqa_v2.ts";
import type { GivenAnswer } from "../records/record.ts";

/** One entry of official VQA results. */
export interface OfficialResult {
  /** A number in VQA v2.0, whose files have numbers; else the question's id as it is. */
  question_id: number | string;
  /** What was generated. */
  answer: string;
}

/** Answers as official VQA results, in the order given. */
export function officialResults(
  dataset: string,
  answers: readonly GivenAnswer[],
): OfficialResult[] {
  return answers.map(({ id, answer }) => ({
    question_id: dataset === VQA_V2 ? Number(id) : id,
    answer,
  }));
}
