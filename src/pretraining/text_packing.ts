/**
 * Packed texts: the packing of `packing.ts` with text in front of the questions in place of an image,
 * and with a loss on that text too.
 *
 *   [ text | question 0 | question 1 | ... ]
 *
 * A layout without questions holds plain causal text, shorter ones padded behind their end.
 */
import {
  type EncodedQuestion,
  packBatch,
  type PackedBatch,
  type PackingLayout,
} from "../data/packing.ts";
import { sortedPlaces } from "../data/sorted_places.ts";
import { sequenceLength } from "../tensor/attention.ts";

/** A text, and questions about it. */
export interface PackedText {
  tokens: number[];
  /** Of each token, whether the model must predict it. */
  predicted: boolean[];
  questions: EncodedQuestion[];
}

/** Rows of a packed text that may predict: those of its text, and those of its questions' answers. */
export function textEntries({ prefix, blocks, answers }: PackingLayout): number {
  return prefix + blocks * answers;
}

/**
 * Packs texts. `answerRows`, `answerOfRow` and `labels` have {@linkcode textEntries} entries a text:
 * the rows of the text, then those of the answers.
 *
 * @throws {RangeError} If a text does not fit, or leaves padding that its questions would look at, or
 * its questions do not fit.
 */
export function packTexts(
  texts: readonly PackedText[],
  layout: PackingLayout,
): Omit<PackedBatch, "promptRows" | "promptLengths"> {
  const { batch, prefix, blocks, answers, vocabulary, pad } = layout;
  for (const { tokens, questions } of texts) {
    if (tokens.length > prefix || questions.length > 0 && tokens.length < prefix) {
      throw new RangeError(
        `Cannot pack text: ${tokens.length} tokens do not fill ${prefix}` +
          (questions.length > 0 ? " in front of questions" : ""),
      );
    }
  }
  const packed = packBatch(texts.map(({ questions }, image) => ({ image, questions })), layout);
  const { sources } = packed;
  const length = sequenceLength(layout);
  const entries = textEntries(layout);
  const answerRows = new Int32Array(batch * entries).fill(-1);
  const answerOfRow = new Int32Array(batch * length).fill(-1);
  const labels = new Int32Array(batch * entries).fill(-100);
  let answerTokens = 0;
  const predict = (entry: number, row: number, label: number) => {
    answerRows[entry] = row;
    answerOfRow[row] = entry;
    labels[entry] = label;
    answerTokens++;
  };
  for (let b = 0; b < batch; b++) {
    const { tokens, predicted } = texts[b] ?? { tokens: [], predicted: [] };
    sources.fill(pad, b * length, b * length + prefix);
    sources.set(tokens, b * length);
    for (let t = 1; t < tokens.length; t++) {
      // A token is predicted by the row before it.
      if (predicted[t]) predict(b * entries + t - 1, b * length + t - 1, tokens[t]);
    }
    for (let a = 0; a < blocks * answers; a++) {
      const from = b * blocks * answers + a;
      if (packed.labels[from] < 0) continue;
      predict(b * entries + prefix + a, packed.answerRows[from], packed.labels[from]);
    }
  }
  return {
    sources,
    ...sortedPlaces(sources, vocabulary),
    answerRows,
    answerOfRow,
    labels,
    answerTokens,
  };
}
