/**
 * K-fold cross-validation: training and validation pictures pooled, each fold the test set once.
 *
 * By image no picture is on both sides. By question one may be, with other questions, as some
 * published studies do it: that measures less, and a report says so. A question that is asked about
 * the same picture again, in the same words, is on the side of the first.
 */
import { stream } from "../data/random.ts";
import type { PreparedData, PreparedSplit } from "./prepared_data.ts";

/** What goes to one fold as a whole. */
export const FOLD_UNITS = ["image", "question"] as const;

/** How the data are folded. */
export interface Folds {
  count: number;
  by: typeof FOLD_UNITS[number];
  /** Of the shuffle. */
  seed: number;
}

/**
 * The data of one fold: its part as the test set, the rest as training set, no validation set.
 *
 * @param fold from 0
 * @throws {RangeError} If there are too few units for each fold to have one.
 */
export function foldData(
  data: PreparedData,
  { count, by, seed }: Folds,
  fold: number,
): PreparedData {
  const pool = join(data.train, data.validation);
  const first = firstAsked(pool);
  const unitOf = (id: string, image: number) => by === "image" ? image : first.get(id)!;
  const units = new Set<number | string>(
    pool.questions.flatMap((list, image) => list.map(({ id }) => unitOf(id, image))),
  );
  // Repeated questions are shuffled too, so that they move no other question to another fold.
  const shuffled = stream(seed, `folds/${by}`).shuffle<number | string>(
    [...by === "image" ? units : first.keys()],
  );
  const foldOf = new Map(shuffled.map((unit, place) => [unit, place % count]));
  if (new Set([...units].map((unit) => foldOf.get(unit))).size < count) {
    const repeats = shuffled.length > units.size ? ` asked ${shuffled.length} times` : "";
    throw new RangeError(`Cannot make ${count} folds of ${units.size} ${by}s${repeats}`);
  }
  const side = (isTest: boolean): PreparedSplit =>
    onlyAsked({
      ...pool,
      questions: pool.questions.map((list, image) =>
        list.filter(({ id }) => (foldOf.get(unitOf(id, image)) === fold) === isTest)
      ),
    });
  return {
    ...data,
    train: side(false),
    validation: { features: new Float32Array(), questions: [] },
    test: side(true),
  };
}

/** The id of each question, and of the first one about the same picture with the same text. */
function firstAsked({ questions }: PreparedSplit): Map<string, string> {
  const first = new Map<string, string>();
  for (const list of questions) {
    const byText = new Map<string, string>();
    for (const { id, text } of list) {
      if (!byText.has(text)) byText.set(text, id);
      first.set(id, byText.get(text)!);
    }
  }
  return first;
}

function join(a: PreparedSplit, b: PreparedSplit): PreparedSplit {
  const features = new Float32Array(a.features.length + b.features.length);
  features.set(a.features);
  features.set(b.features, a.features.length);
  return { features, questions: [...a.questions, ...b.questions] };
}

/** Leaves out images that nothing is asked about. */
function onlyAsked({ features, questions }: PreparedSplit): PreparedSplit {
  const size = questions.length > 0 ? features.length / questions.length : 0;
  const kept = questions.flatMap((list, image) => list.length > 0 ? [image] : []);
  const chosen = new Float32Array(kept.length * size);
  kept.forEach((image, place) =>
    chosen.set(features.subarray(image * size, (image + 1) * size), place * size)
  );
  return { features: chosen, questions: kept.map((image) => questions[image]) };
}
