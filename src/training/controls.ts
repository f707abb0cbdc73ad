/**
 * The controls: runs that lack one thing an arm has, so that their accuracy says what is owed to it.
 * Question-only and shuffled images lack the picture, a random encoder what the tower has learnt, a
 * random language model what the decoder has. All else is as in the first arm without an objective.
 */
import { stream } from "../data/random.ts";
import type { RunRole } from "../records/record.ts";
import { type PreparedData, type PreparedSplit, SPLITS } from "./prepared_data.ts";

/** What makes a control. */
export interface Control {
  /** What it sees in place of an arm's pictures, the same in every split. */
  see?(data: PreparedData, seed: number): PreparedData;
  /** Whether its pictures went through the encoder with random weights. */
  randomEncoder?: true;
  /** Whether its decoder begins from random weights. */
  randomLlm?: true;
}

/** The controls that are trained, by name. */
export const CONTROLS: Record<Exclude<RunRole, "arm">, Control> = {
  "question-only": {
    see: (data) => {
      const image = meanImage(data.train);
      return eachSplit(data, (split) => withConstantImage(split, image));
    },
  },
  "shuffled-images": {
    see: (data, seed) => eachSplit(data, (split, name) => withShuffledImages(split, seed, name)),
  },
  "random-encoder": { randomEncoder: true },
  "random-llm": { randomLlm: true },
};

/** What makes a run of this role a control; nothing of an arm. */
export function controlOf(role: RunRole): Control {
  return role === "arm" ? {} : CONTROLS[role];
}

/** What a run sees of a study's data. */
export function seenBy(
  { role, seed }: { role: RunRole; seed: number },
  data: PreparedData,
): PreparedData {
  return controlOf(role).see?.(data, seed) ?? data;
}

function eachSplit(
  data: PreparedData,
  change: (split: PreparedSplit, name: string) => PreparedSplit,
): PreparedData {
  const changed = SPLITS.map((name) => [name, change(data[name], name)] as const);
  return { ...data, ...Object.fromEntries(changed) };
}

/** The same split with every image replaced by one: (tokens, d_v). */
export function withConstantImage(split: PreparedSplit, image: Float32Array): PreparedSplit {
  const features = new Float32Array(split.features.length);
  for (let at = 0; at < features.length; at += image.length) features.set(image, at);
  return { ...split, features };
}

/** The same split with every image in the place of another one, but for a split of one. */
export function withShuffledImages(
  split: PreparedSplit,
  seed: number,
  name: string,
): PreparedSplit {
  const images = split.questions.length;
  const size = split.features.length / images;
  const order = stream(seed, `shuffled images/${name}`).shuffle([...Array(images).keys()]);
  const features = new Float32Array(split.features.length);
  // Along one circle through all images, so that none keeps its place.
  order.forEach((image, i) => {
    const other = order[(i + 1) % images];
    features.set(split.features.subarray(other * size, (other + 1) * size), image * size);
  });
  return { ...split, features };
}

/** Mean over images of the features: (tokens, d_v). */
export function meanImage({ features, questions }: PreparedSplit): Float32Array {
  const size = features.length / questions.length;
  const sum = new Float64Array(size);
  for (let i = 0; i < features.length; i++) sum[i % size] += features[i];
  return Float32Array.from(sum, (value) => value / questions.length);
}
