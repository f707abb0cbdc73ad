/**
 * Test pictures and questions that records do not hold: those of procedural data are drawn again from
 * the data set's name and seed.
 */
import { z } from "zod";
import type { Example } from "../data/dataset.ts";
import { datasetEntry } from "../data/datasets.ts";
import { isCorrect } from "../evaluation/vqa_accuracy.ts";
import type { GivenAnswer, StudyRecord } from "../records/record.ts";

const settings = z.looseObject({
  data: z.looseObject({ seed: z.int(), testImages: z.int().nonnegative().optional() }),
});

/**
 * A study's test pictures with their questions; null where the data are not procedural, or were
 * folded, so that other pictures were tested.
 */
export function redrawTest({ data, config, folds }: StudyRecord): Example[] | null {
  const { success, data: known } = settings.safeParse(config);
  const draw = datasetEntry(data.name)?.draw;
  if (!success || folds || !draw) return null;
  // Test pictures come first, so they are the same without the others.
  const { test } = draw({ ...known.data, trainImages: 0, validationImages: 0 });
  return test.length === data.images.test ? test : null;
}

/** Whether answers are to these questions, each as right or wrong as it is said to be. */
export function answersFit(
  examples: readonly Example[],
  answers: ReadonlyMap<string, GivenAnswer>,
): boolean {
  const questions = examples.flatMap(({ questions }) => questions);
  return answers.size === questions.length && questions.every(({ id, answer: truth }) => {
    const given = answers.get(id);
    return given !== undefined && given.correct === isCorrect(given.answer, truth);
  });
}
