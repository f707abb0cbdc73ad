/**
 * Packing: the questions of one image share one sequence.
 *
 *   [ lead | image tokens | question 0 | question 1 | ... ]
 *
 * Each question is a block of fixed length: its prompt, the answer and padding. A block attends to
 * the image and to itself, and positions restart behind the image, so a packed question is computed
 * exactly as if it stood alone.
 */
import type { SequenceLayout } from "../tensor/attention.ts";
import { sortedPlaces } from "./sorted_places.ts";

/** A question as token ids. */
export interface EncodedQuestion {
  /** The question and the mark behind it from which the answer is predicted. */
  prompt: number[];
  /** The answer and the end mark. */
  answer: number[];
}

/** One image of a batch with the questions asked about it now. */
export interface BatchEntry {
  /** Index of the image's features. */
  image: number;
  questions: EncodedQuestion[];
}

/** Index arrays of a batch; see `embedding.ts` and `losses.ts` for what reads them. */
export interface PackedBatch {
  sources: Int32Array;
  starts: Int32Array;
  places: Int32Array;
  /** Row that predicts each answer token, -1 where there is none; `answers` a block. */
  answerRows: Int32Array;
  /** The inverse: which entry of `answerRows` a row is, or -1. */
  answerOfRow: Int32Array;
  /** Label of each entry of `answerRows`, -100 where there is none. */
  labels: Int32Array;
  /** Last prompt row of each block. */
  promptRows: Int32Array;
  /** Prompt tokens of each block. */
  promptLengths: Int32Array;
  /** Answer tokens in the batch. */
  answerTokens: number;
}

/** Sizes that a batch is packed into. */
export interface PackingLayout extends SequenceLayout {
  /** Most answer tokens of a question, end mark included. */
  answers: number;
  vocabulary: number;
  pad: number;
  /** Tokens in front of the image tokens: the prefix begins with them. None when absent. */
  lead?: readonly number[];
  /** Image tokens of a picture that stand beside the sequence and not in it. None when absent. */
  beside?: number;
}

/** Image tokens of a sequence. */
export function imageTokens({ prefix, lead = [] }: Pick<PackingLayout, "prefix" | "lead">): number {
  return prefix - lead.length;
}

/** Image tokens of a picture, wherever they stand. */
export function encodedTokens(layout: Pick<PackingLayout, "prefix" | "lead" | "beside">): number {
  return imageTokens(layout) + (layout.beside ?? 0);
}

/** Row of every image token of a batch: static. */
export function imageRows(
  { batch, prefix, blocks, block, lead = [] }: SequenceLayout & Pick<PackingLayout, "lead">,
): Int32Array {
  const length = prefix + blocks * block;
  const tokens = prefix - lead.length;
  return Int32Array.from(
    { length: batch * tokens },
    (_, i) => Math.floor(i / tokens) * length + lead.length + i % tokens,
  );
}

/**
 * Packs a batch.
 *
 * @throws {RangeError} If a question does not fit its block, or the batch has too many.
 */
export function packBatch(entries: readonly BatchEntry[], layout: PackingLayout): PackedBatch {
  const { batch, prefix, blocks, block, answers, vocabulary, pad, lead = [] } = layout;
  const tokens = imageTokens(layout);
  if (entries.length > batch) {
    throw new RangeError(`Cannot pack batch: ${entries.length} images exceed ${batch}`);
  }
  const length = prefix + blocks * block;
  const sources = new Int32Array(batch * length).fill(pad);
  const answerRows = new Int32Array(batch * blocks * answers).fill(-1);
  const answerOfRow = new Int32Array(batch * length).fill(-1);
  const labels = new Int32Array(batch * blocks * answers).fill(-100);
  const promptRows = new Int32Array(batch * blocks);
  const promptLengths = new Int32Array(batch * blocks).fill(1);
  let answerTokens = 0;
  for (let b = 0; b < batch; b++) {
    sources.set(lead, b * length);
    for (let i = 0; i < tokens; i++) sources[b * length + lead.length + i] = -1 - (b * tokens + i);
    const questions = entries[b]?.questions ?? [];
    if (questions.length > blocks) {
      throw new RangeError(
        `Cannot pack batch: ${questions.length} questions exceed ${blocks} an image`,
      );
    }
    for (let q = 0; q < blocks; q++) {
      const first = b * length + prefix + q * block;
      promptRows[b * blocks + q] = first;
      const question = questions[q];
      if (!question) continue;
      const { prompt, answer } = question;
      if (prompt.length + answer.length - 1 > block || answer.length > answers) {
        throw new RangeError(
          `Cannot pack question: ${prompt.length} prompt and ${answer.length} answer tokens exceed a block of ${block} with ${answers} answers`,
        );
      }
      sources.set(prompt, first);
      // The last answer token is predicted but never read.
      sources.set(answer.slice(0, -1), first + prompt.length);
      promptRows[b * blocks + q] = first + prompt.length - 1;
      promptLengths[b * blocks + q] = prompt.length;
      answer.forEach((token, t) => {
        const entry = (b * blocks + q) * answers + t;
        const row = first + prompt.length - 1 + t;
        answerRows[entry] = row;
        answerOfRow[row] = entry;
        labels[entry] = token;
      });
      answerTokens += answer.length;
    }
  }
  return {
    sources,
    ...sortedPlaces(sources, vocabulary),
    answerRows,
    answerOfRow,
    labels,
    promptRows,
    promptLengths,
    answerTokens,
  };
}
