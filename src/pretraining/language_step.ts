/**
 * The programs that pre-train the decoder: a training step and an evaluation, on two kinds of text.
 *
 * - documents (D, L): plain causal sequences, a description followed by questions and answers;
 * - packed scenes: a prefix of mixed phrase tokens, as image tokens will stand there, and questions.
 *
 * Both are forward passes of the same weights in one program, so that one update serves them.
 */
import {
  type BatchEntry,
  imageRows,
  imageTokens,
  packBatch,
  type PackingLayout,
  sortBySource,
} from "../data/packing.ts";
import { createArray, readBuffer, writeMatrix } from "../gpu/memory.ts";
import { compileProgram, type Engine, freeTensor, ownTensor, writeStep } from "../gpu/program.ts";
import { llamaHead, llamaLayers, type RopeInputs } from "../models/llama.ts";
import { headLayout, type LlamaConfig } from "../models/llama_config.ts";
import { type AdamWSettings, type Moments, traceAdamW } from "../nn/adamw.ts";
import { createLossRing } from "../nn/loss_ring.ts";
import type { Parameter } from "../nn/parameters.ts";
import { biasCorrection } from "../nn/schedule.ts";
import { type SequenceLayout, sequenceLength, sequencePositions } from "../tensor/attention.ts";
import { greedyChoice } from "../tensor/decode.ts";
import { embedding, type EmbeddingIndex, gatherRows, mixEmbeddings } from "../tensor/embedding.ts";
import { crossEntropy } from "../tensor/losses.ts";
import { rowTotal } from "../tensor/reduce.ts";
import { ropeTable } from "../tensor/rope.ts";
import { createTape, type Tape } from "../tensor/tape.ts";
import type { Bag } from "./description.ts";

/** A document: its tokens, and of each token whether the model must predict it. */
export interface Document {
  tokens: number[];
  predicted: boolean[];
}

/** A scene as phrase tokens, with its questions. */
export interface PackedScene {
  /** Weights of words by token id. */
  bags: ReadonlyMap<number, number>[];
  questions: BatchEntry["questions"];
}

/** Sizes of a step. */
export interface LanguageLayout {
  /** Documents a step, and tokens of each. */
  documents: { batch: number; length: number };
  /** The prefix is the lead and the phrase tokens. */
  scenes: PackingLayout;
}

/** What one step sees. */
export interface LanguageBatch {
  documents: Document[];
  scenes: PackedScene[];
}

/** Losses of one step, nats a predicted token. */
export interface LanguageLosses {
  documents: number;
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
   * Whether each document's and each question's predicted tokens are all the model's first choice,
   * which is what greedy decoding would have given.
   */
  test(batch: LanguageBatch): Promise<{ documents: boolean[]; questions: boolean[][] }>;
  destroy(): void;
}

/** Weights of words by the ids of a tokenizer's tokens. */
export function bagIds(bag: Bag, encode: (word: string) => number[]): Map<number, number> {
  return new Map([...bag].map(([word, weight]) => [encode(word)[0], weight]));
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
  const { documents, scenes } = layout;
  const weights = new Map(parameters.map(({ name, tensor }) => [name, tensor]));
  const table = weights.get("model.embed_tokens.weight")!;
  const causal = { batch: documents.batch, prefix: documents.length, blocks: 0, block: 0 };
  const documentRows = documents.batch * documents.length;
  const blocks = scenes.batch * scenes.blocks;
  const ints = (length: number, label: string) => createArray(device, length, label);
  const positionCount = Math.max(documents.length, scenes.prefix + scenes.block);
  const rotation = ownTensor(engine, "rope table", {
    rows: positionCount,
    columns: headLayout(config).headWidth,
  });
  writeMatrix(
    device,
    rotation.matrix!,
    ropeTable(positionCount, headLayout(config), config.rope_theta),
  );
  const positionsOf = (sequence: SequenceLayout) => {
    const one = sequencePositions(sequence);
    const buffer = ints(sequence.batch * one.length, "positions");
    const all = new Int32Array(sequence.batch * one.length);
    for (let b = 0; b < sequence.batch; b++) all.set(one, b * one.length);
    device.queue.writeBuffer(buffer, 0, all);
    return buffer;
  };
  const indexOf = (rows: number, images: GPUBuffer): EmbeddingIndex => ({
    sources: ints(rows, "sources"),
    starts: ints(scenes.vocabulary + 1, "starts"),
    places: ints(rows, "places"),
    imageRows: images,
  });
  const none = ints(1, "no image rows");
  const phraseRows = scenes.batch * imageTokens(scenes);
  const phrasePlaces = ints(phraseRows, "phrase rows");
  device.queue.writeBuffer(phrasePlaces, 0, imageRows(scenes) as Int32Array<ArrayBuffer>);
  const inputs = {
    bags: ownTensor(engine, "phrase weights", { rows: phraseRows, columns: scenes.vocabulary }),
    noImages: ownTensor(engine, "no images", { rows: 1, columns: config.hidden_size }),
    documents: indexOf(documentRows, none),
    scenes: indexOf(scenes.batch * sequenceLength(scenes), phrasePlaces),
    documentLabels: ints(documentRows, "document labels"),
    answerRows: ints(blocks * scenes.answers, "answer rows"),
    answerOfRow: ints(scenes.batch * sequenceLength(scenes), "answer of row"),
    labels: ints(blocks * scenes.answers, "labels"),
  };
  const ropes: [RopeInputs, RopeInputs] = [
    { table: rotation, positions: positionsOf(causal) },
    { table: rotation, positions: positionsOf(scenes) },
  ];

  /** Logits of every document row, and of the rows that predict answers. */
  function traceLogits(tape: Tape) {
    const text = embedding(tape, table, inputs.noImages, inputs.documents, documentRows);
    const read = llamaLayers(tape, config, weights, text, ropes[0], causal).output;
    const phrases = mixEmbeddings(tape, inputs.bags, table);
    const rows = scenes.batch * sequenceLength(scenes);
    const packed = embedding(tape, table, phrases, inputs.scenes, rows);
    const asked = llamaLayers(tape, config, weights, packed, ropes[1], scenes).output;
    const answers = gatherRows(tape, asked, blocks * scenes.answers, {
      rowsOf: inputs.answerRows,
      inverse: inputs.answerOfRow,
    });
    return {
      documents: llamaHead(tape, config, weights, read),
      answers: llamaHead(tape, config, weights, answers),
    };
  }

  const ring = createLossRing(device);
  const tape = createTape(engine);
  const logits = traceLogits(tape);
  rowTotal(
    tape,
    crossEntropy(tape, logits.documents, inputs.documentLabels),
    ring.buffer,
    0,
    "token",
  );
  rowTotal(tape, crossEntropy(tape, logits.answers, inputs.labels), ring.buffer, 1, "token");
  tape.backward();
  const { clip, ...settings } = optimizer;
  const update = traceAdamW(
    tape,
    [{ parameters, settings, optimizerGroup: 0, clipGroup: 0, clip }],
    ring.buffer,
  );
  const program = compileProgram(engine, tape.commands);

  const testTape = createTape(engine);
  const chosen = {
    documents: { next: ints(documentRows, "next"), tokens: ints(documentRows, "chosen") },
    answers: {
      next: ints(blocks * scenes.answers, "next"),
      tokens: ints(blocks * scenes.answers, "chosen answers"),
    },
  };
  const testLogits = traceLogits(testTape);
  greedyChoice(testTape, testLogits.documents, chosen.documents);
  greedyChoice(testTape, testLogits.answers, chosen.answers);
  const testProgram = compileProgram(engine, testTape.commands);

  /** Uploads a batch; returns its labels and the number of predicted tokens of each kind. */
  function write(batch: LanguageBatch) {
    const put = (buffer: GPUBuffer, data: Int32Array) =>
      device.queue.writeBuffer(buffer, 0, data as Int32Array<ArrayBuffer>);
    const sources = new Int32Array(documentRows).fill(scenes.pad);
    const documentLabels = new Int32Array(documentRows).fill(-100);
    batch.documents.forEach(({ tokens, predicted }, d) => {
      if (tokens.length > documents.length) {
        throw new RangeError(
          `Cannot train on document: ${tokens.length} tokens exceed ${documents.length}`,
        );
      }
      sources.set(tokens, d * documents.length);
      // A token is predicted by the row before it.
      tokens.forEach((token, t) => {
        if (t > 0 && predicted[t]) documentLabels[d * documents.length + t - 1] = token;
      });
    });
    const sorted = sortBySource(sources, scenes.vocabulary);
    put(inputs.documents.sources, sources);
    put(inputs.documents.starts, sorted.starts);
    put(inputs.documents.places, sorted.places);
    put(inputs.documentLabels, documentLabels);
    const slots = imageTokens(scenes);
    const bags = new Float32Array(phraseRows * scenes.vocabulary);
    batch.scenes.forEach((scene, b) =>
      scene.bags.forEach((bag, slot) => {
        for (const [word, weight] of bag) {
          bags[(b * slots + slot) * scenes.vocabulary + word] = weight;
        }
      })
    );
    writeMatrix(device, inputs.bags.matrix!, bags);
    const packed = packBatch(
      batch.scenes.map(({ questions }, image) => ({ image, questions })),
      scenes,
    );
    put(inputs.scenes.sources, packed.sources);
    put(inputs.scenes.starts, packed.starts);
    put(inputs.scenes.places, packed.places);
    put(inputs.answerRows, packed.answerRows);
    put(inputs.answerOfRow, packed.answerOfRow);
    put(inputs.labels, packed.labels);
    return {
      documentLabels,
      labels: packed.labels,
      documentTokens: documentLabels.filter((label) => label >= 0).length,
      answerTokens: packed.answerTokens,
    };
  }

  const counts: { documents: number; scenes: number }[] = [];
  return {
    moments: update.moments,
    train(batch, step, learningRate) {
      const { documentTokens, answerTokens } = write(batch);
      const total = documentTokens + answerTokens;
      counts.push({ documents: documentTokens / total, scenes: answerTokens / total });
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
        const [documents, scenes, gradientNorm] = read[i];
        return {
          documents: share.documents > 0 ? documents / share.documents : 0,
          scenes: share.scenes > 0 ? scenes / share.scenes : 0,
          gradientNorm,
        };
      });
    },
    async test(batch) {
      const { documentLabels, labels } = write(batch);
      writeStep(engine, {});
      testProgram.run();
      const [documentBytes, answerBytes] = await Promise.all([
        readBuffer(device, chosen.documents.next),
        readBuffer(device, chosen.answers.next),
      ]);
      const first = new Int32Array(documentBytes), answers = new Int32Array(answerBytes);
      const right = (wanted: Int32Array, got: Int32Array, from: number, count: number) => {
        for (let i = from; i < from + count; i++) {
          if (wanted[i] >= 0 && wanted[i] !== got[i]) return false;
        }
        return true;
      };
      return {
        documents: batch.documents.map((_, d) =>
          right(documentLabels, first, d * documents.length, documents.length)
        ),
        questions: batch.scenes.map(({ questions }, b) =>
          questions.map((_, q) =>
            right(labels, answers, (b * scenes.blocks + q) * scenes.answers, scenes.answers)
          )
        ),
      };
    },
    destroy() {
      for (const each of [program, testProgram, update, ring]) each.destroy();
      for (const tensor of [inputs.bags, inputs.noImages, rotation]) freeTensor(engine, tensor);
      const { documents, scenes, documentLabels, answerRows, answerOfRow, labels } = inputs;
      for (
        const buffer of [
          ...Object.values(documents),
          ...Object.values(scenes),
          ...ropes.map(({ positions }) => positions),
          ...Object.values(chosen).flatMap((each) => Object.values(each)),
          documentLabels,
          answerRows,
          answerOfRow,
          labels,
        ]
      ) buffer.destroy();
    },
  };
}
