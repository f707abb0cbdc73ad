/**
 * Answers as a run's record holds them on disk: one number and one bit a question in place of an id, a
 * picture and a text. All runs that were tested on the same questions share one list of them.
 */
import { Buffer } from "node:buffer";
import { z } from "zod";
import { sha256 } from "../data/sha256.ts";
import type { GivenAnswer } from "./record.ts";

/** Ids of questions in their order, under the id of their picture. */
export const questionListSchema = z.array(z.tuple([z.string(), z.array(z.string())]));

/** See {@linkcode questionListSchema}. */
export type QuestionList = z.infer<typeof questionListSchema>;

const listed = <Value extends z.ZodType>(value: Value) =>
  z.object({
    /** What occurs, in the order of its first occurrence. */
    values: z.array(value),
    /** Which of them each question has: base64 of numbers of the fewest bytes that do. */
    places: z.base64(),
  });

/** Answers without their questions. */
export const packedAnswersSchema = z.object({
  /** {@linkcode hashQuestions} of the list that they answer. */
  questions: z.hash("sha256"),
  texts: listed(z.string()),
  /** Whether each is right: base64 of bits, the lowest of a byte first. */
  correct: z.base64(),
  /** VQA accuracy, where several people have answered. */
  scores: listed(z.number().min(0).max(1)).optional(),
});

/** See {@linkcode packedAnswersSchema}. */
export type PackedAnswers = z.infer<typeof packedAnswersSchema>;

/** All runs of a study answer one list or a few, and nothing changes a list: what follows from it is kept. */
function ofList<Value>(derive: (list: QuestionList) => Value): (list: QuestionList) => Value {
  const known = new WeakMap<QuestionList, { value: Value }>();
  return (list) => {
    const found = known.get(list) ?? { value: derive(list) };
    known.set(list, found);
    return found.value;
  };
}

/** SHA-256 of a list of questions. */
export const hashQuestions: (list: QuestionList) => string = ofList((list) =>
  sha256(JSON.stringify(list))
);

/** The questions of a list one by one. */
const askedQuestions = ofList((list) =>
  list.flatMap(([image, ids]) => ids.map((id) => ({ id, image })))
);

/**
 * Packs answers, all of which name their picture.
 *
 * @throws {TypeError} If one does not.
 */
export function packAnswers(
  answers: readonly GivenAnswer[],
): { questions: QuestionList; packed: PackedAnswers } {
  const questions: QuestionList = [];
  for (const { id, image } of answers) {
    if (image === undefined) {
      throw new TypeError(`Cannot pack answers: that to question "${id}" names no picture`);
    }
    const last = questions.at(-1);
    if (last?.[0] === image) last[1].push(id);
    else questions.push([image, [id]]);
  }
  const bits = new Uint8Array(Math.ceil(answers.length / 8));
  answers.forEach(({ correct }, i) => bits[i >> 3] |= Number(correct) << (i & 7));
  const scores = answers.map(({ score }) => score).filter((score) => score !== undefined);
  return {
    questions,
    packed: {
      questions: hashQuestions(questions),
      texts: packList(answers.map(({ answer }) => answer)),
      correct: encode(bits),
      ...(scores.length > 0 && { scores: packList(scores) }),
    },
  };
}

/**
 * The answers to a list of questions.
 *
 * @throws {RangeError} If the list is another one, or there are more or fewer answers than questions.
 */
export function unpackAnswers(packed: PackedAnswers, questions: QuestionList): GivenAnswer[] {
  const { asked, text, score, bits } = openAnswers(packed, questions);
  return asked.map(({ id, image }, i) => {
    const given: GivenAnswer = {
      id,
      image,
      answer: text(i),
      correct: (bits[i >> 3] >> (i & 7) & 1) === 1,
    };
    if (score) given.score = score(i);
    return given;
  });
}

/**
 * Checks that {@linkcode unpackAnswers} gives answers, without building them.
 *
 * @throws {RangeError} If it would not.
 */
export function checkAnswers(packed: PackedAnswers, questions: QuestionList): void {
  openAnswers(packed, questions);
}

/** What was packed, by the place of the question. */
function openAnswers(packed: PackedAnswers, questions: QuestionList) {
  if (hashQuestions(questions) !== packed.questions) {
    throw new RangeError("Cannot unpack answers: they are to other questions");
  }
  const asked = askedQuestions(questions);
  const text = openList(packed.texts, asked.length);
  const score = packed.scores && openList(packed.scores, asked.length);
  const bits = decode(packed.correct);
  if (bits.length !== Math.ceil(asked.length / 8)) {
    throw wrongNumber(8 * bits.length, asked.length);
  }
  return { asked, text, score, bits };
}

/** The narrowest numbers that tell so many values apart. */
function numbersFor(values: number) {
  return values <= 1 << 8 ? Uint8Array : values <= 1 << 16 ? Uint16Array : Uint32Array;
}

function packList<Value>(items: readonly Value[]): { values: Value[]; places: string } {
  const places = new Map<Value, number>();
  for (const item of items) if (!places.has(item)) places.set(item, places.size);
  const Numbers = numbersFor(places.size);
  const packed = new Numbers(items.map((item) => places.get(item)!));
  return { values: [...places.keys()], places: encode(new Uint8Array(packed.buffer)) };
}

/** Gives the value at a place; all are checked before. */
function openList<Value>(
  { values, places }: { values: readonly Value[]; places: string },
  length: number,
): (place: number) => Value {
  const bytes = decode(places);
  const Numbers = numbersFor(values.length);
  if (bytes.length !== length * Numbers.BYTES_PER_ELEMENT) {
    throw wrongNumber(bytes.length / Numbers.BYTES_PER_ELEMENT, length);
  }
  const numbers = new Numbers(bytes.buffer);
  for (const number of numbers) {
    if (number >= values.length) {
      throw new RangeError(`Cannot unpack answers: there is no value ${number}`);
    }
  }
  return (place) => values[numbers[place]];
}

const wrongNumber = (found: number, questions: number) =>
  new RangeError(`Cannot unpack answers: ${found} do not answer ${questions} questions`);

const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
/** With a buffer of its own, which numbers of several bytes need. */
const decode = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
