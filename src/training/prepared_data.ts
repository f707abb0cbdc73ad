/** A data set made ready for training: features and token ids. */
import type { Dataset, Example, Question } from "../data/dataset.ts";
import type { EncodedQuestion } from "../data/packing.ts";
import { buildTokenizer, type Tokenizer } from "../data/tokenizer.ts";
import type { Features } from "../encoders/features.ts";

/** A question with its token ids. */
export interface PreparedQuestion extends EncodedQuestion {
  id: string;
  text: string;
  /** The answer's text. */
  truth: string;
  type: string;
}

/** One split: features by image, questions by image. */
export interface PreparedSplit {
  /** (images, tokens, d_v); empty until the pictures are encoded. */
  features: Float32Array;
  /** By image. */
  questions: PreparedQuestion[][];
}

/** A data set ready for training. */
export interface PreparedData {
  tokenizer: Tokenizer;
  /** Image tokens and their width, d_v. */
  tokens: number;
  width: number;
  train: PreparedSplit;
  validation: PreparedSplit;
  test: PreparedSplit;
  /** Tokens of the longest question with its answer, of any split. */
  longestBlock: number;
  /** Tokens of the longest training answer, end mark included. */
  longestAnswer: number;
}

/** The splits of a data set. */
export const SPLITS = ["train", "validation", "test"] as const;

/**
 * Encodes all questions; the pictures' features are missing yet, see {@linkcode withFeatures}.
 *
 * The tokenizer knows the words of the training questions and answers. A prompt is the question and
 * the begin mark, which stands for "the answer is"; an answer ends with the end mark. A test answer
 * with more tokens than any training answer can only be scored wrong, so it does not widen the blocks.
 *
 * @param shape Image tokens and their width, d_v.
 * @param maxBlock Most tokens of a question with its answer.
 * @throws {RangeError} If a question has more tokens than `maxBlock`; the message names it.
 */
export function prepareQuestions(
  dataset: Dataset,
  { tokens, width }: Pick<PreparedData, "tokens" | "width">,
  maxBlock: number,
): PreparedData {
  const asked = dataset.train.flatMap(({ questions }) => questions);
  const tokenizer = buildTokenizer(asked.flatMap(({ text, answer }) => [text, answer]));
  const answerTokens = (answer: string) => [...tokenizer.encode(answer), tokenizer.eos];
  const longestAnswer = asked.reduce(
    (longest, { answer }) => Math.max(longest, answerTokens(answer).length),
    1,
  );
  let longestBlock = 1;
  const prepare = (question: Question): PreparedQuestion => {
    const { id, text, answer, type } = question;
    const prompt = [...tokenizer.encode(text), tokenizer.bos];
    const block = prompt.length + longestAnswer - 1;
    if (block > maxBlock) {
      throw new RangeError(
        `Cannot fit question "${id}": it takes ${block} tokens with its answer, the context leaves ${maxBlock}; raise training.context`,
      );
    }
    longestBlock = Math.max(longestBlock, block);
    return {
      id,
      text,
      truth: answer,
      type,
      prompt,
      answer: answerTokens(answer).slice(0, longestAnswer),
    };
  };
  const split = (examples: Example[]): PreparedSplit => ({
    features: new Float32Array(),
    questions: examples.map(({ questions }) => questions.map(prepare)),
  });
  const [train, validation, test] = SPLITS.map((name) => split(dataset[name]));
  return { tokenizer, tokens, width, train, validation, test, longestBlock, longestAnswer };
}

/** The same data with the pictures' features. */
export function withFeatures(
  data: PreparedData,
  features: Record<typeof SPLITS[number], Features>,
): PreparedData {
  const [train, validation, test] = SPLITS.map((name) => ({
    ...data[name],
    features: features[name].data,
  }));
  return { ...data, train, validation, test };
}

/** The same split with every image replaced by one: (tokens, d_v). The question-only control. */
export function withConstantImage(split: PreparedSplit, image: Float32Array): PreparedSplit {
  const features = new Float32Array(split.features.length);
  for (let at = 0; at < features.length; at += image.length) features.set(image, at);
  return { ...split, features };
}

/** Mean over images of the features: (tokens, d_v). */
export function meanImage({ features, questions }: PreparedSplit): Float32Array {
  const size = features.length / questions.length;
  const sum = new Float64Array(size);
  for (let i = 0; i < features.length; i++) sum[i % size] += features[i];
  return Float32Array.from(sum, (value) => value / questions.length);
}
