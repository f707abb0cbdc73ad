/**
 * SLAKE, medical visual question answering, from its official folder: `train.json`, `validate.json`, `test.json` and
 * `imgs/NAME/source.jpg`. One language at a time: within a language the splits share no picture, across languages
 * they do.
 *
 * Source: Liu and others, "SLAKE: A Semantically-Labeled Knowledge-Enhanced Dataset for Medical Visual Question
 * Answering" (2021), arXiv 2102.09542.
 */
import { z } from "zod";
import { contentHash } from "./content_hash.ts";
import type { Dataset, DatasetOptions, Example } from "./dataset.ts";
import { firstExamples, openFolder } from "./files.ts";
import { oneLine, quoted } from "./one_line.ts";

const NAME = "slake";
const FILES = {
  train: "train.json",
  validation: "validate.json",
  test: "test.json",
};

/** A path below `imgs` that cannot leave it. */
const PICTURE_NAME = z.string().refine(
  (name) =>
    /^[^/\\\0:]+(\/[^/\\\0:]+)*$/.test(name) &&
    !name.split("/").some((part) => part === "." || part === ".."),
  {
    error: ({ input }) => `${quoted(input)} is no path below the folder "imgs"`,
  },
);

const ENTRIES = z.array(z.object({
  img_name: PICTURE_NAME,
  question: z.string().min(1),
  answer: z.string(),
  q_lang: z.string(),
  content_type: z.string().min(1),
  modality: z.string().optional(),
  qid: z.int(),
})).min(1);

/**
 * The data set `slake`, read from `options.dir`, in `options.language` (`en` when absent). Question types are SLAKE's
 * content types. Questions without an answer are left out, and `source` counts them. With
 * `options.heldOutModality` all pictures of that modality are the test split, and the others of the
 * official train and validation splits are those: does what was learnt hold on pictures of another kind?
 *
 * @throws when the folder, a file, or an entry of it is not as it should be; the message names it
 */
export async function slake(options: DatasetOptions): Promise<Dataset> {
  const folder = await openFolder(NAME, options, FILES.train);
  const language = options.language ?? "en";
  const fileOfQuestion = new Map<number, string>();
  const fileOfPicture = new Map<string, string>();
  const languages = new Set<string>();
  const modalityOf = new Map<string, string>();
  const heldOut = options.heldOutModality;
  let unanswered = 0;

  async function read(file: string): Promise<Example[]> {
    const examples = new Map<string, Example>();
    for (const [index, entry] of (await folder.json(file, ENTRIES)).entries()) {
      const refuse = (reason: string) =>
        new RangeError(
          `Cannot read ${NAME}: "${file}" entry ${index}: ${reason}`,
        );
      const { qid, img_name: picture, question, answer, q_lang, content_type, modality } = entry;
      if (fileOfQuestion.has(qid)) {
        throw refuse(`qid ${qid} is already in "${fileOfQuestion.get(qid)}"`);
      }
      fileOfQuestion.set(qid, file);
      languages.add(q_lang);
      if (q_lang !== language) continue;
      if (answer.trim() === "") {
        unanswered++;
        continue;
      }
      if (heldOut !== undefined) {
        if (modality === undefined) throw refuse('has no field "modality"');
        if ((modalityOf.get(picture) ?? modality) !== modality) {
          throw refuse(`picture ${quoted(picture)} is of two modalities`);
        }
        modalityOf.set(picture, modality);
      }
      const other = fileOfPicture.get(picture) ?? file;
      if (other !== file) {
        throw refuse(
          `picture ${quoted(picture)} is already in "${other}", and splits share no picture`,
        );
      }
      fileOfPicture.set(picture, file);
      const example = examples.get(picture) ??
        {
          id: picture,
          image: () => folder.image(`imgs/${picture}`),
          questions: [],
        };
      examples.set(picture, example);
      example.questions.push({
        id: String(qid),
        text: question,
        answer,
        type: content_type,
      });
    }
    return [...examples.values()];
  }

  const [train, validation, test] = [
    await read(FILES.train),
    await read(FILES.validation),
    await read(FILES.test),
  ];
  const isTested = ({ id }: Example) => modalityOf.get(id) === heldOut;
  const official = heldOut === undefined ? { train, validation, test } : {
    train: train.filter((example) => !isTested(example)),
    validation: validation.filter((example) => !isTested(example)),
    test: [...train, ...validation, ...test].filter(isTested),
  };
  const splits = {
    train: firstExamples(NAME, official.train, options.trainImages),
    validation: firstExamples(NAME, official.validation, options.validationImages),
    test: firstExamples(NAME, official.test, options.testImages),
  };
  if (fileOfPicture.size === 0) {
    throw new RangeError(
      `Cannot read ${NAME}: no question is in language "${language}"; there is ${
        oneLine([...languages].sort().join(", "))
      }`,
    );
  }
  for (const [split, examples] of Object.entries(official)) {
    if (heldOut === undefined || examples.length > 0) continue;
    const there = [...new Set(modalityOf.values())].sort().join(", ");
    throw new RangeError(
      `Cannot read ${NAME}: with modality ${
        quoted(heldOut)
      } held out there is nothing in ${split}; there is ${oneLine(there)}`,
    );
  }
  const digests = await folder.digests(
    Object.values(splits).flat().map(({ id }) => `imgs/${id}`),
  );
  const shift = heldOut === undefined
    ? ""
    : `; tested on all pictures of modality ${heldOut}, trained on the others`;
  const leftOut = unanswered === 0 ? "" : `; questions without an answer, left out: ${unanswered}`;
  return {
    name: NAME,
    source:
      `SLAKE 1.0, official files, language ${language} (Liu and others 2021, arXiv 2102.09542)${shift}${leftOut}`,
    ...splits,
    contentHash: contentHash(
      NAME,
      splits,
      ({ id }) => digests.get(`imgs/${id}`)!,
    ),
  };
}
