/**
 * Answers in the layout of official VQA results: `[{question_id, answer}]`.
 */
import { datasetEntry } from "../data/datasets.ts";
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
  const isNumeric = datasetEntry(dataset)?.hasNumericIds;
  return answers.map(({ id, answer }) => ({ question_id: isNumeric ? Number(id) : id, answer }));
}
