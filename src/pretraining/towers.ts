/** A pair of towers as functions of pictures and captions, any number of them at a time. */
import type { Image } from "../data/dataset.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { writeStep } from "../gpu/engine.ts";
import { readMatrix } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor } from "../gpu/tensor.ts";
import { patchesPerSide, visionTokens } from "../models/clip_config.ts";
import { type ClipFeatures, compileClipFeatures } from "../models/clip_features.ts";
import { type ClipPair, pairWeights, writeCaptions, writePictures } from "../models/clip_pair.ts";
import { visionStates } from "../models/clip_vision.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { createTape, keep } from "../tensor/tape.ts";
import type { Towers } from "./evaluate_towers.ts";
import { pixelValues } from "./pictures.ts";

/**
 * Captions as the text tower reads them: begin mark, words, end mark, padding.
 *
 * @returns ids (captions, length), and the place of each end mark
 * @throws {RangeError} If a caption is longer.
 */
export function encodeCaptions(
  tokenizer: Tokenizer,
  captions: readonly string[],
  length: number,
): { ids: Int32Array; ends: Int32Array } {
  const ids = new Int32Array(captions.length * length).fill(tokenizer.pad);
  const ends = Int32Array.from(captions, (caption, i) => {
    const tokens = [tokenizer.bos, ...tokenizer.encode(caption), tokenizer.eos];
    if (tokens.length > length) {
      throw new RangeError(
        `Cannot take caption "${caption}": its ${tokens.length} tokens are more than ${length}`,
      );
    }
    ids.set(tokens, i * length);
    return tokens.length - 1;
  });
  return { ids, ends };
}

/** Compiles the forward passes of a pair; they see every later change of its weights. */
export function compileTowers(pair: ClipPair, tokenizer: Tokenizer): Towers & { destroy(): void } {
  const { engine, batch, config: { projection_dim, vision_config: config } } = pair;
  const features = compileClipFeatures(pair);
  const tape = createTape(engine);
  const kept = visionStates(tape, config, pairWeights(pair), pair.vision).map(keep);
  const states = compileProgram(engine, tape.commands);
  const tokens = visionTokens(config);

  /** Runs batch by batch; `rows` of each result belong to each item. */
  async function inBatches<Item>(
    items: Item[],
    rows: number,
    columns: number,
    run: (items: Item[]) => Promise<Float32Array[]>,
  ): Promise<MatrixValues[]> {
    const results: Float32Array[] = [];
    for (let start = 0; start < items.length; start += batch) {
      const part = items.slice(start, start + batch);
      // The last batch is filled up; what that gives is dropped.
      const full = [...part, ...Array<Item>(batch - part.length).fill(part[0])];
      for (const [i, result] of (await run(full)).entries()) {
        results[i] ??= new Float32Array(items.length * rows * columns);
        results[i].set(result.subarray(0, part.length * rows * columns), start * rows * columns);
      }
    }
    return results.map((data) => ({ rows: items.length * rows, columns, data }));
  }
  const write = (images: Image[]) => writePictures(pair, pixelValues(images));
  const featuresOf = async (part: keyof ClipFeatures) => [(await features.run())[part]];
  return {
    side: config.image_size,
    patches: patchesPerSide(config),
    async images(images) {
      const [result] = await inBatches(images, 1, projection_dim, (part) => {
        write(part);
        return featuresOf("images");
      });
      return result;
    },
    async texts(captions) {
      const [result] = await inBatches(captions, 1, projection_dim, (part) => {
        const { ids, ends } = encodeCaptions(tokenizer, part, pair.text.tokens);
        writeCaptions(pair, ids, ends);
        return featuresOf("texts");
      });
      return result;
    },
    states: (images) =>
      inBatches(images, tokens, config.hidden_size, (part) => {
        write(part);
        writeStep(engine, {});
        states.run();
        return Promise.all(kept.map(({ matrix }) => readMatrix(engine.device, matrix!)));
      }),
    destroy() {
      features.destroy();
      states.destroy();
      for (const tensor of kept) freeTensor(engine, tensor);
    },
  };
}
