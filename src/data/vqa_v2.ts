/**
 * VQA v2.0, the balanced real images, from its official files. For each of `train2014` and `val2014`:
 *
 * - `v2_OpenEnded_mscoco_train2014_questions.json`, in the folder or in `Questions`,
 * - `v2_mscoco_train2014_annotations.json`, in the folder or in `Annotations`,
 * - the pictures `train2014/COCO_train2014_000000000009.jpg`, in the folder or in `Images/mscoco`.
 *
 * The training target of a question is `multiple_choice_answer`, the answer that most of its people
 * gave; what each of them gave is kept for VQA accuracy. The official validation split is the test
 * split here, since the test answers are not public; the last twentieth of the training pictures, by
 * number, is held out for validation.
 *
 * Source: Goyal and others, "Making the V in VQA Matter: Elevating the Role of Image Understanding in
 * Visual Question Answering" (2017), arXiv 1612.00837.
 */
import { z } from "zod";
import { contentHash } from "./content_hash.ts";
import type { Dataset, DatasetOptions, Example } from "./dataset.ts";
import { firstExamples, openFolder } from "./files.ts";

/** Name of the data set, whose question ids are numbers in the official files. */
export const VQA_V2 = "vqa-v2";
const VALIDATION_SHARE = 0.05;

type Subset = "train2014" | "val2014";
const questionFile = (subset: Subset) => `v2_OpenEnded_mscoco_${subset}_questions.json`;
const annotationFile = (subset: Subset) => `v2_mscoco_${subset}_annotations.json`;
const pictureFile = (subset: Subset, id: number) =>
  `${subset}/COCO_${subset}_${String(id).padStart(12, "0")}.jpg`;

const id = z.int().nonnegative();
const QUESTION = z.object({ question_id: id, image_id: id, question: z.string().min(1) });
const ANNOTATION = z.object({
  question_id: id,
  image_id: id,
  answer_type: z.string().min(1),
  multiple_choice_answer: z.string(),
  // VQA accuracy leaves out records that are equal in every field. People with numbers of their own
  // have none, and then the answers alone are enough.
  answers: z.array(z.object({ answer: z.string(), answer_id: z.int() })).min(1, "there are none")
    .refine(
      (answers) => new Set(answers.map(({ answer_id }) => answer_id)).size === answers.length,
      { error: "two answers have the same answer_id" },
    ),
});

/**
 * The data set `vqa-v2`, read from `options.dir`. Question types are the official answer types:
 * `yes/no`, `number` and `other`. The JSON files are read entry by entry and never stand in memory
 * as a whole.
 *
 * @throws when the folder, a file, or an entry of it is not as it should be; the message names it
 */
export async function vqaV2(options: DatasetOptions): Promise<Dataset> {
  const open = (marker: string, folder: string) =>
    openFolder(VQA_V2, options, marker, [".", folder]);
  const questions = await open(questionFile("train2014"), "Questions");
  const annotations = await open(annotationFile("train2014"), "Annotations");
  const pictures = await open("train2014", "Images/mscoco");
  const fileOfQuestion = new Map<number, string>();
  const subsetOfPicture = new Map<number, Subset>();

  /** Examples in the order of their pictures' numbers. */
  async function read(subset: Subset): Promise<Example[]> {
    const file = questionFile(subset), answerFile = annotationFile(subset);
    const refuse = (file: string, reason: string) =>
      new RangeError(`Cannot read ${VQA_V2}: "${file}": ${reason}`);
    const asked = new Map<number, { picture: number; text: string }>();
    for await (const entry of questions.items(file, "questions", QUESTION)) {
      const { question_id, image_id: picture, question: text } = entry;
      const earlier = fileOfQuestion.get(question_id);
      if (earlier !== undefined) {
        throw refuse(file, `question_id ${question_id} is already in "${earlier}"`);
      }
      const other = subsetOfPicture.get(picture) ?? subset;
      if (other !== subset) {
        throw refuse(
          file,
          `image_id ${picture} is already in ${other}, and splits share no picture`,
        );
      }
      fileOfQuestion.set(question_id, file);
      subsetOfPicture.set(picture, subset);
      asked.set(question_id, { picture, text });
    }
    const examples = new Map<number, Example>();
    for await (const entry of annotations.items(answerFile, "annotations", ANNOTATION)) {
      const { question_id, image_id, answer_type, multiple_choice_answer, answers } = entry;
      const question = asked.get(question_id);
      if (question === undefined) {
        const reason = fileOfQuestion.get(question_id) === file
          ? "is there twice"
          : `is not in "${file}"`;
        throw refuse(answerFile, `question_id ${question_id} ${reason}`);
      }
      const { picture, text } = question;
      if (picture !== image_id) {
        throw refuse(
          answerFile,
          `question_id ${question_id} has image_id ${image_id}, and ${picture} in "${file}"`,
        );
      }
      asked.delete(question_id);
      const name = pictureFile(subset, picture);
      const example = examples.get(picture) ??
        { id: name, image: () => pictures.image(name), questions: [] };
      examples.set(picture, example);
      example.questions.push({
        id: String(question_id),
        text,
        answer: multiple_choice_answer,
        answers: answers.map(({ answer }) => answer),
        type: answer_type,
      });
    }
    for (const [question_id] of asked) {
      throw refuse(answerFile, `there is no annotation of question_id ${question_id}`);
    }
    return [...examples].sort(([a], [b]) => a - b).map(([, example]) => example);
  }

  const official = await read("train2014");
  const kept = official.length - Math.round(official.length * VALIDATION_SHARE);
  const splits = {
    train: firstExamples(VQA_V2, official.slice(0, kept), options.trainImages),
    validation: firstExamples(VQA_V2, official.slice(kept), options.validationImages),
    test: firstExamples(VQA_V2, await read("val2014"), options.testImages),
  };
  const digests = await pictures.digests(Object.values(splits).flat().map(({ id }) => id));
  return {
    name: VQA_V2,
    source: "VQA v2.0, official files, test on the official validation split " +
      "(Goyal and others 2017, arXiv 1612.00837)",
    ...splits,
    contentHash: contentHash(VQA_V2, splits, ({ id }) => digests.get(id)!),
  };
}
