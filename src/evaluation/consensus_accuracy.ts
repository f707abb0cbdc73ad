/**
 * VQA accuracy where several people have answered each question: an answer that three or more of
 * them gave is right, one that fewer gave is right in part.
 *
 * Source: Antol and others, "VQA: Visual Question Answering" (2015), arXiv 1505.00468, as
 * vqaEval.py of https://github.com/GT-Vision-Lab/VQA computes it for VQA v2.0 (Goyal and others
 * 2017, arXiv 1612.00837).
 */
import { normaliseVqaAnswer, trimVqaAnswer } from "./vqa_normalisation.ts";

/** One person's answer with whatever else stands in its record, as `answer_confidence`. */
export interface HumanAnswer {
  /** What the person answered. */
  readonly answer: string;
  /** Other fields; they tell people apart. */
  readonly [field: string]: unknown;
}

/**
 * When answers are normalised. `official`: only where the people's answers differ, so that "Yes" is
 * wrong where all of them said "yes". `always`: whatever they said.
 */
export type VqaNormalisation = "official" | "always";

/** Every {@linkcode VqaNormalisation}, the default first. */
export const VQA_NORMALISATIONS = [
  "official",
  "always",
] as const satisfies readonly VqaNormalisation[];

/** So many others must have given an answer for it to be wholly right. */
const AGREEING = 3;

/**
 * VQA accuracy of one answer, from 0 to 1: the mean over people of min(1, n / 3), where n of the
 * other people gave that answer. With ten people it is 0, 0.3, 0.6, 0.9 or 1.
 *
 * The other people are those whose whole records differ, after normalisation: records that are equal
 * in every field are left out together, as the official script does.
 *
 * @param said the generated answer
 * @param people the answers of people to the same question, ten in VQA v2.0
 * @throws {RangeError} when there is no answer of a person
 *
 * @example
 * ```ts
 * import { vqaAccuracy } from "./consensus_accuracy.ts";
 * import assert from "node:assert/strict";
 *
 * const people = ["red", "red", "Red.", "dark red", "brown", "red", "red", "red", "red", "red"]
 *   .map((answer, i) => ({ answer, answer_confidence: "yes", answer_id: i + 1 }));
 * assert.equal(vqaAccuracy("Red", people), 1);
 * assert.equal(Math.round(100 * vqaAccuracy("brown", people)), 30);
 * assert.equal(vqaAccuracy("blue", people), 0);
 *
 * // Where all say the same, the official script normalises nothing.
 * const agreed = people.map((record) => ({ ...record, answer: "yes" }));
 * assert.equal(vqaAccuracy("Yes", agreed), 0);
 * assert.equal(vqaAccuracy("Yes", agreed, "always"), 1);
 * ```
 */
export function vqaAccuracy(
  said: string,
  people: readonly HumanAnswer[],
  normalisation: VqaNormalisation = "official",
): number {
  if (people.length === 0) {
    throw new RangeError(`Cannot score answer "${said}": no person has answered the question`);
  }
  const given = people.map(({ answer }) => trimVqaAnswer(answer));
  const differ = given.some((answer) => answer !== given[0]);
  const form = differ || normalisation === "always" ? normaliseVqaAnswer : trimVqaAnswer;
  const answers = given.map(form);
  const target = form(said);
  if (!answers.includes(target)) return 0;
  const records = people.map((person, i) => recordKey({ ...person, answer: answers[i] }));
  const points = records.map((own) => {
    const matching = records.filter((other, i) => other !== own && answers[i] === target);
    return Math.min(1, matching.length / AGREEING);
  });
  return points.reduce((a, b) => a + b, 0) / points.length;
}

/** Equal for records that are equal in every field, in whatever order. */
function recordKey(record: HumanAnswer): string {
  return JSON.stringify(Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1));
}
