/**
 * What the procedural data sets share: splits drawn from separately named streams, without a common picture.
 */
import { contentHash } from "./content_hash.ts";
import type { Dataset, DatasetOptions, Example, Image, Question } from "./dataset.ts";
import { type RandomStream, stream } from "./random.ts";
import { sha256 } from "./sha256.ts";

/** One drawn picture, as few numbers as fix it, and its questions. */
export interface Scene<Drawing> {
  drawing: Drawing;
  questions: Omit<Question, "id">[];
}

/** A published recipe: how a scene comes about by chance, and how it is painted. */
export interface Recipe<Drawing> {
  name: string;
  source: string;
  /** Pictures a split when the options name no number. */
  images: { train: number; validation: number; test: number };
  /** Draws a scene. Equal drawings must give equal pictures and different ones different pictures. */
  draw(random: RandomStream): Scene<Drawing>;
  paint(drawing: Drawing): Image;
}

/**
 * Makes a procedural data set. A split depends on the seed and its own size only, and a smaller split is the
 * beginning of a larger one, but for a picture that another split holds already, which is drawn anew.
 *
 * @throws {RangeError} when a number of pictures is negative or not whole
 */
export function generate<Drawing>(
  recipe: Recipe<Drawing>,
  options: DatasetOptions,
): Dataset {
  const taken = new Set<string>();
  const digests = new Map<string, string>();
  const split = (
    name: keyof typeof recipe.images,
    images = recipe.images[name],
  ): Example[] => {
    if (!Number.isSafeInteger(images) || images < 0) {
      throw new RangeError(
        `Cannot make ${recipe.name}: ${images} ${name} pictures`,
      );
    }
    const random = stream(options.seed, `${recipe.name}/${name}`);
    const own = new Set<string>();
    const examples = Array.from({ length: images }, (_, index): Example => {
      let scene: Scene<Drawing>, key: string;
      do {
        scene = recipe.draw(random);
        key = JSON.stringify(scene.drawing);
      } while (taken.has(key) || scene.questions.length === 0);
      own.add(key);
      const id = `${name}/${index}`;
      const image = recipe.paint(scene.drawing);
      digests.set(id, sha256(image.data));
      return {
        id,
        image: () => Promise.resolve(recipe.paint(scene.drawing)),
        questions: scene.questions.map((question, at) => ({
          id: `${id}/${at}`,
          ...question,
        })),
      };
    });
    for (const key of own) taken.add(key);
    return examples;
  };
  // Test comes first, so that its pictures do not depend on how many the other splits have.
  const test = split("test", options.testImages);
  const validation = split("validation", options.validationImages);
  const train = split("train", options.trainImages);
  return {
    name: recipe.name,
    source: recipe.source,
    train,
    validation,
    test,
    contentHash: contentHash(
      recipe.name,
      { train, validation, test },
      (example) => digests.get(example.id)!,
    ),
  };
}
