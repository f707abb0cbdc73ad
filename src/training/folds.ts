/**
 * K-fold cross-validation: training and validation pictures pooled, each fold the test set once.
 *
 * By image no picture is on both sides. By question one may be, with other questions, as some
 * published studies do it: that measures less, and a report says so.
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
 * @throws {RangeError} If there are fewer units than folds.
 */
export function foldData(
  data: PreparedData,
  { count, by, seed }: Folds,
  fold: number,
): PreparedData {
  const pool = join(data.train, data.validation);
  const random = stream(seed, `folds/${by}`);
  const units = by === "image"
    ? pool.questions.flatMap((list, image) => list.length > 0 ? [image] : [])
    : pool.questions.flatMap((list) => list.map(({ id }) => id));
  if (units.length < count) {
    throw new RangeError(`Cannot make ${count} folds of ${units.length} ${by}s`);
  }
  const held = new Set<number | string>(
    random.shuffle<number | string>(units).filter((_, place) => place % count === fold),
  );
  const side = (isTest: boolean): PreparedSplit =>
    onlyAsked({
      ...pool,
      questions: pool.questions.map((list, image) =>
        list.filter(({ id }) => held.has(by === "image" ? image : id) === isTest)
      ),
    });
  return {
    ...data,
    train: side(false),
    validation: { features: new Float32Array(), questions: [] },
    test: side(true),
  };
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
