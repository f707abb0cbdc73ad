/** A data set made ready for training: features and token ids. */
import type { Dataset, Example, Question } from "../data/dataset.ts";
import type { EncodedQuestion } from "../data/packing.ts";
import { buildTokenizer, type Tokenizer } from "../data/tokenizer.ts";
import type { Features } from "../encoders/features.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import type { Checkpoint } from "../models/llama_weights.ts";
import type { DecoderShape } from "./settings.ts";

/** What reads and answers: a decoder's shape, and its weights unless they are drawn. */
export interface Decoder {
  config: LlamaConfig;
  checkpoint?: Checkpoint;
}

/** The part of a tokenizer that training and evaluation use. */
export type TextTokenizer = Pick<
  Tokenizer,
  "vocabularySize" | "pad" | "bos" | "eos" | "encode" | "decode"
>;

/** The words that a language model is spoken to in. */
export interface Language {
  /** Made from the training questions where absent. */
  tokenizer?: TextTokenizer;
  /** The decoder, once the vocabulary is known. */
  decoder(vocabulary: number): Decoder;
  /** Text before the image tokens, and around a question: `{question}` stands for it. */
  prompt: { lead: string; question: string };
}

/** The language of a decoder from random weights: nothing but questions and answers. */
export function freshLanguage(shape: DecoderShape): Language {
  return {
    prompt: { lead: "", question: "{question}" },
    decoder: (vocabulary) => ({
      config: {
        vocab_size: vocabulary,
        hidden_size: shape.hiddenSize,
        intermediate_size: shape.intermediateSize,
        num_hidden_layers: shape.layers,
        num_attention_heads: shape.heads,
        num_key_value_heads: shape.kvHeads,
        head_dim: shape.headDim,
        rms_norm_eps: shape.rmsNormEps,
        rope_theta: shape.ropeTheta,
        tie_word_embeddings: shape.tieWordEmbeddings,
      },
    }),
  };
}

/** A question with its token ids. */
export interface PreparedQuestion extends EncodedQuestion {
  id: string;
  /** Id of the picture that it is about. */
  image: string;
  text: string;
  /** The answer's text. */
  truth: string;
  /** What each of several people answered, where they did. */
  answers?: readonly string[];
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
  tokenizer: TextTokenizer;
  decoder: Decoder;
  /** Tokens in front of the image tokens. */
  lead: number[];
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
 * A language model from elsewhere brings its tokenizer; its sequences begin with the begin mark and
 * the prompt's lead. A tokenizer made here knows the words of the training questions and answers, and
 * a question ends with the begin mark, which stands for "the answer is". Every answer ends with the
 * end mark. A test answer with more tokens than any training answer can only be scored wrong, so it
 * does not widen the blocks.
 *
 * @param shape Image tokens and their width, d_v.
 * @param maxBlock Most tokens of a question with its answer.
 * @param taught Splits that are trained on: where the data are folded, the validation set too.
 * @throws {RangeError} If a question has more tokens than `maxBlock`; the message names it.
 */
export function prepareQuestions(
  dataset: Dataset,
  { tokens, width }: Pick<PreparedData, "tokens" | "width">,
  maxBlock: number,
  language: Language,
  taught: readonly (typeof SPLITS[number])[] = ["train"],
): PreparedData {
  const asked = taught.flatMap((split) => dataset[split].flatMap(({ questions }) => questions));
  const made = language.tokenizer === undefined;
  const tokenizer: TextTokenizer = language.tokenizer ??
    buildTokenizer(asked.flatMap(({ text, answer }) => [text, answer]));
  const { lead, question: template } = language.prompt;
  const promptTokens = (text: string) => [
    ...tokenizer.encode(template.replace("{question}", () => text)),
    ...(made ? [tokenizer.bos] : []),
  ];
  const answerTokens = (answer: string) => [...tokenizer.encode(answer), tokenizer.eos];
  const longestAnswer = asked.reduce(
    (longest, { answer }) => Math.max(longest, answerTokens(answer).length),
    1,
  );
  let longestBlock = 1;
  const prepare = (question: Question, image: string): PreparedQuestion => {
    const { id, text, answer, answers, type } = question;
    const prompt = promptTokens(text);
    const block = prompt.length + longestAnswer - 1;
    if (block > maxBlock) {
      throw new RangeError(
        `Cannot fit question "${id}": it takes ${block} tokens with its answer, the context leaves ${maxBlock}; raise training.context`,
      );
    }
    longestBlock = Math.max(longestBlock, block);
    return {
      id,
      image,
      text,
      truth: answer,
      ...(answers && { answers }),
      type,
      prompt,
      answer: answerTokens(answer).slice(0, longestAnswer),
    };
  };
  const split = (examples: Example[]): PreparedSplit => ({
    features: new Float32Array(),
    questions: examples.map(({ id, questions }) =>
      questions.map((question) => prepare(question, id))
    ),
  });
  const [train, validation, test] = SPLITS.map((name) => split(dataset[name]));
  return {
    tokenizer,
    decoder: language.decoder(tokenizer.vocabularySize),
    lead: made ? [] : [tokenizer.bos, ...tokenizer.encode(lead)],
    tokens,
    width,
    train,
    validation,
    test,
    longestBlock,
    longestAnswer,
  };
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
