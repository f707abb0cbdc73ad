/** The order of batches: which images, and which of their questions, a step sees. */
import type { BatchEntry } from "../data/packing.ts";
import { stream } from "../data/random.ts";
import type { PreparedSplit } from "./prepared_data.ts";
import type { TrainingSettings } from "./settings.ts";

/**
 * Batches for ever: images are shuffled anew each epoch, questions each time.
 *
 * @param name Of the random stream that decides the order.
 */
export function* trainingBatches(
  split: PreparedSplit,
  batch: number,
  questions: number,
  seed: number,
  name = "batches",
): Generator<BatchEntry[], never> {
  const random = stream(seed, name);
  const images = split.questions.flatMap((list, image) => list.length > 0 ? [image] : []);
  let queue: number[] = [];
  while (true) {
    const entries: BatchEntry[] = [];
    while (entries.length < batch) {
      if (queue.length === 0) queue = random.shuffle(images);
      const image = queue.pop()!;
      entries.push({
        image,
        questions: random.shuffle(split.questions[image]).slice(0, questions),
      });
    }
    yield entries;
  }
}

/** Steps of a stage. */
export function stageSteps(split: PreparedSplit, training: TrainingSettings): number {
  return training.epochs ? epochSteps(split, training) : training.steps;
}

/** Steps in which every image that has questions is seen `epochs` times. */
export function epochSteps(
  { questions }: PreparedSplit,
  { epochs = 1, batch }: Pick<TrainingSettings, "epochs" | "batch">,
): number {
  const images = questions.filter((list) => list.length > 0).length;
  return Math.max(1, Math.ceil(epochs * images / batch));
}

/** Every question of a split once, in order, as batches; `ids[entry][question]` are places in the split. */
export function evaluationBatches(
  split: PreparedSplit,
  batch: number,
  questions: number,
  images = split.questions.length,
): { entries: BatchEntry[]; places: [number, number][][] }[] {
  const entries: { entry: BatchEntry; places: [number, number][] }[] = [];
  for (let image = 0; image < Math.min(images, split.questions.length); image++) {
    const list = split.questions[image];
    for (let first = 0; first < list.length; first += questions) {
      const chunk = list.slice(first, first + questions);
      entries.push({
        entry: { image, questions: chunk },
        places: chunk.map((_, i): [number, number] => [image, first + i]),
      });
    }
  }
  return Array.from({ length: Math.ceil(entries.length / batch) }, (_, i) => {
    const part = entries.slice(i * batch, (i + 1) * batch);
    return { entries: part.map(({ entry }) => entry), places: part.map(({ places }) => places) };
  });
}

/** Features of a batch's images: (batch, tokens, d_v); missing entries stay zero. */
export function batchFeatures(
  split: PreparedSplit,
  entries: readonly BatchEntry[],
  batch: number,
): Float32Array {
  const size = split.features.length / split.questions.length;
  const features = new Float32Array(batch * size);
  entries.forEach(({ image }, b) =>
    features.set(split.features.subarray(image * size, (image + 1) * size), b * size)
  );
  return features;
}
