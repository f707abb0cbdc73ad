/**
 * The programs that pre-train the decoder: a training step and an evaluation, on two kinds of scenes,
 * each packed in front of questions about it.
 *
 * - texts: a description in words, which is predicted too;
 * - phrases: mixed phrase tokens, as image tokens will stand there.
 *
 * Both are forward passes of the same weights in one program, so that one update serves them.
 */
import {
  type BatchEntry,
  imageRows,
  imageTokens,
  packBatch,
  type PackedBatch,
  type PackingLayout,
} from "../data/packing.ts";
import { type Engine, writeStep } from "../gpu/engine.ts";
import { createArray, readBuffer, writeMatrix } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor, ownTensor, type Tensor } from "../gpu/tensor.ts";
import { uploadIndices, writeIndices } from "../models/index_arrays.ts";
import { llamaHead, llamaLayers } from "../models/llama.ts";
import { headLayout, type LlamaConfig } from "../models/llama_config.ts";
import { type AdamWSettings, type Moments, traceAdamW } from "../nn/adamw.ts";
import { createLossRing } from "../nn/loss_ring.ts";
import { tensorsOf } from "../nn/matrix_values.ts";
import type { Parameter } from "../nn/parameters.ts";
import { biasCorrection } from "../nn/schedule.ts";
import { batchPositions, sequenceLength } from "../tensor/attention.ts";
import { greedyChoice } from "../tensor/decode.ts";
import { embedding, mixEmbeddings } from "../tensor/embedding.ts";
import { crossEntropy } from "../tensor/losses.ts";
import { rowTotal } from "../tensor/reduce.ts";
import { ropeTable } from "../tensor/rope.ts";
import { createTape, type Tape } from "../tensor/tape.ts";
import type { Bag } from "./description.ts";
import { type PackedText, packTexts, textEntries } from "./text_packing.ts";

/** A scene as phrase tokens, with its questions. */
export interface PackedScene {
  /** Weights of words by token id. */
  bags: ReadonlyMap<number, number>[];
  questions: BatchEntry["questions"];
}

/** Sizes of a step. */
export interface LanguageLayout {
  /** The prefix is the text. */
  texts: PackingLayout;
  /** The prefix is the lead and the phrase tokens. */
  scenes: PackingLayout;
}

/** What one step sees. */
export interface LanguageBatch {
  texts: PackedText[];
  scenes: PackedScene[];
}

/** Losses of one step, nats a predicted token. */
export interface LanguageLosses {
  texts: number;
  scenes: number;
  gradientNorm: number;
}

/** The programs and their inputs. */
export interface LanguagePrograms {
  moments: Map<string, Moments>;
  /** Submits one update, counted from 0; does not wait. */
  train(batch: LanguageBatch, step: number, learningRate: number): void;
  /** Losses of the steps since the last reading. To be called at least every `READ_EVERY` steps. */
  readLosses(): Promise<LanguageLosses[]>;
  /**
   * Whether all that is to be predicted of each text with its questions, and of each question about
   * phrase tokens, is the model's first choice, which is what greedy decoding would have given.
   */
  test(batch: LanguageBatch): Promise<{ texts: boolean[]; questions: boolean[][] }>;
  destroy(): void;
}

/** Weights of words by the ids of a tokenizer's tokens. */
export function bagIds(bag: Bag, encode: (word: string) => number[]): Map<number, number> {
  return new Map([...bag].map(([word, weight]) => [encode(word)[0], weight]));
}

/** Inputs of one kind of sequence on the device. */
function createSequences(
  engine: Engine,
  layout: PackingLayout,
  entriesOfEach: number,
  images: GPUBuffer,
) {
  const { device } = engine;
  const ints = (length: number, label: string) => createArray(device, length, label);
  const rows = layout.batch * sequenceLength(layout);
  const entries = layout.batch * entriesOfEach;
  return {
    layout,
    rows,
    entries,
    index: {
      sources: ints(rows, "sources"),
      starts: ints(layout.vocabulary + 1, "starts"),
      places: ints(rows, "places"),
      imageRows: images,
    },
    positions: uploadIndices(device, batchPositions(layout), "positions"),
    /** The rows that predict, and what. */
    rowsOf: ints(entries, "predicting rows"),
    inverse: ints(rows, "entry of row"),
    labels: ints(entries, "labels"),
    /** The first choice of each entry. */
    chosen: { next: ints(entries, "next"), tokens: ints(entries, "chosen") },
  };
}

type Sequences = ReturnType<typeof createSequences>;

function writeSequences(
  device: GPUDevice,
  { index, rowsOf, inverse, labels }: Sequences,
  packed: Omit<PackedBatch, "promptRows" | "promptLengths">,
): void {
  const put = (buffer: GPUBuffer, data: Int32Array) => writeIndices(device, buffer, data);
  put(index.sources, packed.sources);
  put(index.starts, packed.starts);
  put(index.places, packed.places);
  put(rowsOf, packed.answerRows);
  put(inverse, packed.answerOfRow);
  put(labels, packed.labels);
}

function destroySequences({ index, positions, rowsOf, inverse, labels, chosen }: Sequences): void {
  const { sources, starts, places, imageRows } = index;
  for (
    const buffer of [
      ...[sources, starts, places, imageRows, positions, rowsOf, inverse, labels],
      ...Object.values(chosen),
    ]
  ) buffer.destroy();
}

/**
 * Compiles the programs.
 *
 * @param parameters The decoder's kernel matrices, as `packLlama` names them.
 */
export function compileLanguagePrograms(
  engine: Engine,
  config: LlamaConfig,
  parameters: Parameter[],
  layout: LanguageLayout,
  optimizer: AdamWSettings & { clip: number },
): LanguagePrograms {
  const { device } = engine;
  const weights = tensorsOf(parameters);
  const table = weights.get("model.embed_tokens.weight")!;
  const positionCount = Math.max(
    ...[layout.texts, layout.scenes].map(({ prefix, block }) => prefix + block),
  );
  const rotation = ownTensor(engine, "rope table", {
    rows: positionCount,
    columns: headLayout(config).headWidth,
  });
  writeMatrix(
    device,
    rotation.matrix!,
    ropeTable(positionCount, headLayout(config), config.rope_theta),
  );
  const slots = imageTokens(layout.scenes);
  const phraseRows = layout.scenes.batch * slots;
  const phrasePlaces = uploadIndices(device, imageRows(layout.scenes), "phrase rows");
  const texts = createSequences(
    engine,
    layout.texts,
    textEntries(layout.texts),
    createArray(device, 1, "no image rows"),
  );
  const scenes = createSequences(
    engine,
    layout.scenes,
    layout.scenes.blocks * layout.scenes.answers,
    phrasePlaces,
  );
  const noImages = ownTensor(engine, "no images", { rows: 1, columns: config.hidden_size });
  const bags = ownTensor(engine, "phrase weights", {
    rows: phraseRows,
    columns: layout.scenes.vocabulary,
  });

  /** Logits of the rows that predict. */
  function traceLogits(tape: Tape, sequences: Sequences, images: Tensor): Tensor {
    const { index, positions, rowsOf, inverse, layout, rows, entries } = sequences;
    const embedded = embedding(tape, table, images, index, rows);
    const { output } = llamaLayers(
      tape,
      config,
      weights,
      embedded,
      { table: rotation, positions },
      layout,
      undefined,
      { rows: entries, rowsOf, inverse },
    );
    return llamaHead(tape, config, weights, output);
  }
  const traceBoth = (tape: Tape) => ({
    texts: traceLogits(tape, texts, noImages),
    scenes: traceLogits(tape, scenes, mixEmbeddings(tape, bags, table)),
  });

  const ring = createLossRing(device);
  const tape = createTape(engine);
  const logits = traceBoth(tape);
  rowTotal(tape, crossEntropy(tape, logits.texts, texts.labels), ring.buffer, 0, "token");
  rowTotal(tape, crossEntropy(tape, logits.scenes, scenes.labels), ring.buffer, 1, "token");
  tape.backward();
  const { clip, ...settings } = optimizer;
  const update = traceAdamW(
    tape,
    [{ parameters, settings, optimizerGroup: 0, clipGroup: 0, clip }],
    ring.buffer,
  );
  const program = compileProgram(engine, tape.commands);

  const testTape = createTape(engine);
  const testLogits = traceBoth(testTape);
  greedyChoice(testTape, testLogits.texts, texts.chosen);
  greedyChoice(testTape, testLogits.scenes, scenes.chosen);
  const testProgram = compileProgram(engine, testTape.commands);

  /** Uploads a batch; returns its labels and the number of predicted tokens of each kind. */
  function write(batch: LanguageBatch) {
    const weightsOfWords = new Float32Array(phraseRows * layout.scenes.vocabulary);
    batch.scenes.forEach((scene, b) =>
      scene.bags.forEach((bag, slot) => {
        for (const [word, weight] of bag) {
          weightsOfWords[(b * slots + slot) * layout.scenes.vocabulary + word] = weight;
        }
      })
    );
    writeMatrix(device, bags.matrix!, weightsOfWords);
    const packed = {
      texts: packTexts(batch.texts, layout.texts),
      scenes: packBatch(
        batch.scenes.map(({ questions }, image) => ({ image, questions })),
        layout.scenes,
      ),
    };
    writeSequences(device, texts, packed.texts);
    writeSequences(device, scenes, packed.scenes);
    return packed;
  }

  const counts: { texts: number; scenes: number }[] = [];
  return {
    moments: update.moments,
    train(batch, step, learningRate) {
      const packed = write(batch);
      const total = packed.texts.answerTokens + packed.scenes.answerTokens;
      counts.push({
        texts: packed.texts.answerTokens / total,
        scenes: packed.scenes.answerTokens / total,
      });
      const { beta1, beta2 } = settings;
      const [c1, c2] = [biasCorrection(beta1, step + 1), biasCorrection(beta2, step + 1)];
      writeStep(engine, {
        slot: ring.take(step),
        learningRate: [learningRate, learningRate],
        correction1: [c1, c1],
        correction2: [c2, c2],
        tokenScale: 1 / total,
      });
      program.run();
    },
    async readLosses() {
      const read = await ring.read();
      return counts.splice(0).slice(-read.length).map((share, i) => {
        const [texts, scenes, gradientNorm] = read[i];
        return {
          texts: share.texts > 0 ? texts / share.texts : 0,
          scenes: share.scenes > 0 ? scenes / share.scenes : 0,
          gradientNorm,
        };
      });
    },
    async test(batch) {
      const packed = write(batch);
      writeStep(engine, {});
      testProgram.run();
      const [textBytes, sceneBytes] = await Promise.all([
        readBuffer(device, texts.chosen.next),
        readBuffer(device, scenes.chosen.next),
      ]);
      const right = (wanted: Int32Array, chosen: ArrayBuffer, from: number, count: number) => {
        const got = new Int32Array(chosen);
        for (let i = from; i < from + count; i++) {
          if (wanted[i] >= 0 && wanted[i] !== got[i]) return false;
        }
        return true;
      };
      const each = textEntries(layout.texts);
      const { blocks, answers } = layout.scenes;
      return {
        texts: batch.texts.map((_, b) => right(packed.texts.labels, textBytes, b * each, each)),
        questions: batch.scenes.map(({ questions }, b) =>
          questions.map((_, q) =>
            right(packed.scenes.labels, sceneBytes, (b * blocks + q) * answers, answers)
          )
        ),
      };
    },
    destroy() {
      for (const each of [program, testProgram, update, ring]) each.destroy();
      for (const tensor of [bags, noImages, rotation]) freeTensor(engine, tensor);
      destroySequences(texts);
      destroySequences(scenes);
    },
  };
}
