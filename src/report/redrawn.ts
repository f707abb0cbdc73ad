/**
 * Test pictures and questions that records do not hold: those of procedural data are drawn again from
 * the data set's name and seed.
 */
import { z } from "zod";
import type { Dataset, Example } from "../data/dataset.ts";
import { PROCEDURAL_DATASETS } from "../data/datasets.ts";
import { isCorrect } from "../evaluation/vqa_accuracy.ts";
import type { GivenAnswer, StudyRecord } from "../records/record.ts";

const settings = z.looseObject({
  data: z.looseObject({ seed: z.int(), testImages: z.int().nonnegative().optional() }),
});

/**
 * A study's data set with its test split alone; null where the data are not procedural, or were
 * folded, so that other pictures were tested.
 */
export function redrawTest({ data, config, folds }: StudyRecord): Dataset | null {
  const { success, data: known } = settings.safeParse(config);
  if (!success || folds || !Object.hasOwn(PROCEDURAL_DATASETS, data.name)) return null;
  // Test pictures come first, so they are the same without the others.
  const draw = PROCEDURAL_DATASETS[data.name];
  const dataset = draw({ ...known.data, trainImages: 0, validationImages: 0 });
  return dataset.test.length === data.images.test ? dataset : null;
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
