/**
 * easy-VQA from its official folder: `data/train|test/questions.json`, an array of [question, answer, image id], and
 * `data/train|test/images/ID.png`. The last twentieth of the training pictures is held out for validation.
 *
 * Source: Victor Zhou, https://github.com/vzhou842/easy-VQA (2019).
 */
import { z } from "zod";
import { contentHash } from "./content_hash.ts";
import type { Dataset, DatasetOptions, Example } from "./dataset.ts";
import { COLORS, SHAPES } from "./easy_shapes.ts";
import { firstExamples, openFolder } from "./files.ts";
import { quoted } from "./one_line.ts";

const NAME = "easy-vqa";
const VALIDATION_SHARE = 0.05;

const QUESTIONS = z.array(
  z.tuple([z.string().min(1), z.string().min(1), z.int().nonnegative()]),
).min(1);

/** The question type of each answer; the official files do not name types. */
const TYPE_OF_ANSWER = new Map<string, string>([
  ...["yes", "no"].map((answer) => [answer, "yes/no"] as const),
  ...SHAPES.map((answer) => [answer, "shape"] as const),
  ...Object.keys(COLORS).map((answer) => [answer, "color"] as const),
]);

/**
 * The data set `easy-vqa`, read from `options.dir`, the folder of the project or its `data`.
 *
 * @throws when the folder, a file, or an entry of it is not as it should be; the message names it
 */
export async function easyVqa(options: DatasetOptions): Promise<Dataset> {
  const folder = await openFolder(NAME, options, "train/questions.json", [
    "data",
    ".",
  ]);

  async function read(split: string): Promise<Example[]> {
    const file = `${split}/questions.json`;
    const examples = new Map<number, Example>();
    for (
      const [index, [text, answer, picture]] of (await folder.json(file, QUESTIONS)).entries()
    ) {
      const type = TYPE_OF_ANSWER.get(answer);
      if (type === undefined) {
        throw new RangeError(
          `Cannot read ${NAME}: "${file}" entry ${index}: ${
            quoted(answer)
          } is no answer of easy-VQA`,
        );
      }
      const id = `${split}/${picture}`;
      const example = examples.get(picture) ??
        { id, image: () => folder.image(pictureFile(id)), questions: [] };
      examples.set(picture, example);
      example.questions.push({ id: `${split}/${index}`, text, answer, type });
    }
    return [...examples].sort(([a], [b]) => a - b).map(([, example]) => example);
  }

  const official = await read("train");
  const kept = official.length - Math.round(official.length * VALIDATION_SHARE);
  const splits = {
    train: firstExamples(NAME, official.slice(0, kept), options.trainImages),
    validation: firstExamples(
      NAME,
      official.slice(kept),
      options.validationImages,
    ),
    test: firstExamples(NAME, await read("test"), options.testImages),
  };
  const digests = await folder.digests(
    Object.values(splits).flat().map(({ id }) => pictureFile(id)),
  );
  return {
    name: NAME,
    source: "easy-VQA, official files (Zhou 2019, https://github.com/vzhou842/easy-VQA)",
    ...splits,
    contentHash: contentHash(
      NAME,
      splits,
      ({ id }) => digests.get(pictureFile(id))!,
    ),
  };
}

function pictureFile(id: string): string {
  const [split, picture] = id.split("/");
  return `${split}/images/${picture}.png`;
}
