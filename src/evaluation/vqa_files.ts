/**
 * Scores a results file against questions and annotations in the official VQA v2.0 layout. The
 * annotations, by far the largest, are read one by one.
 *
 * Source of the layout: https://visualqa.org/download.html and https://visualqa.org/evaluation.html.
 */
import { z } from "zod";
import { readItems } from "../data/files.ts";
import { quoted } from "../data/one_line.ts";
import { type HumanAnswer, vqaAccuracy, type VqaNormalisation } from "./consensus_accuracy.ts";
import type { VqaScore } from "./vqa_evaluation.ts";

/** Paths of the three files. */
export interface VqaFiles {
  /** `{"questions": [{question_id}]}` */
  questions: string;
  /** `{"annotations": [{question_id, question_type, answer_type, answers: [{answer, answer_id}]}]}` */
  annotations: string;
  /** `[{question_id, answer}]` */
  results: string;
}

const ACTION = "Cannot score answers";

// A number in VQA v2.0; other data sets may have names, and no layout of their own.
const question_id = z.union([z.int(), z.string()], {
  error: "expected a whole number or a string",
});
const QUESTION = z.object({ question_id });
const RESULT = z.object({ question_id, answer: z.string() });
const ANNOTATION = z.object({
  question_id,
  question_type: z.string(),
  answer_type: z.string(),
  // All fields are kept: they tell people apart.
  answers: z.array(z.looseObject({ answer: z.string() })).min(1, "there are none"),
});

/**
 * The score of every annotated question, in the order of the annotations. As in the official
 * script, every question must have its answer, and no answer may be to another question.
 *
 * @throws {Deno.errors.NotFound | SyntaxError | TypeError} as {@linkcode readItems}, naming file,
 * entry and field
 * @throws {RangeError} where the files do not fit each other, naming file and question
 */
export async function scoreVqaFiles(
  { questions, annotations, results }: VqaFiles,
  normalisation?: VqaNormalisation,
): Promise<VqaScore[]> {
  const list = (path: string, field?: string) => ({ action: ACTION, path, name: path, field });
  const refuse = (path: string, id: number | string, reason: string) =>
    new RangeError(`${ACTION}: "${path}": question_id ${quoted(id)} ${reason}`);

  const asked = new Set<number | string>();
  for await (const { question_id } of readItems(list(questions, "questions"), QUESTION)) {
    if (asked.has(question_id)) throw refuse(questions, question_id, "is there twice");
    asked.add(question_id);
  }
  const said = new Map<number | string, string>();
  for await (const { question_id, answer } of readItems(list(results), RESULT)) {
    if (said.has(question_id)) throw refuse(results, question_id, "is there twice");
    if (!asked.has(question_id)) throw refuse(results, question_id, `is not in "${questions}"`);
    said.set(question_id, answer);
  }
  const scores = new Map<number | string, VqaScore>();
  // The official script takes records that are equal in every field for one person's. Where a whole
  // file has nothing that tells people apart, they are numbered.
  let isNamed = false;
  const numbered: VqaScore[] = [];
  for await (const entry of readItems(list(annotations, "annotations"), ANNOTATION)) {
    const { question_id: id, question_type, answer_type, answers } = entry;
    if (scores.has(id)) throw refuse(annotations, id, "is there twice");
    if (!asked.has(id)) throw refuse(annotations, id, `is not in "${questions}"`);
    const answer = said.get(id);
    if (answer === undefined) throw refuse(results, id, "has no answer");
    const score = (of: readonly HumanAnswer[]) => ({
      ...{ id, questionType: question_type, answerType: answer_type },
      score: vqaAccuracy(answer, of, normalisation),
    });
    scores.set(id, score(answers));
    isNamed ||= answers.some((each) => "answer_id" in each);
    if (isNamed) continue;
    numbered.push(score(answers.map((each, answer_id) => ({ ...each, answer_id }))));
  }
  for (const id of asked) {
    if (!scores.has(id)) throw refuse(annotations, id, "has no annotation");
  }
  if (scores.size === 0) throw new RangeError(`${ACTION}: "${questions}" has no questions`);
  return isNamed ? [...scores.values()] : numbered;
}
