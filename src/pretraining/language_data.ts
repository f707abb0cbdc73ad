/** What the decoder is pre-trained on: scenes as text and as phrase tokens, with questions, step by step. */
import { type RandomStream, stream } from "../data/random.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { type BagOrder, describeScene, describeToLength, sceneBags } from "./description.ts";
import { bagIds, type LanguageBatch, type LanguageLayout } from "./language_step.ts";
import {
  askScene,
  DRAWN_TYPES,
  LOOK_UPS,
  SCENE_QUESTIONS,
  type SceneQuestion,
} from "./questions.ts";
import { drawScene, type Scene } from "./scene.ts";
import type { PackedText } from "./text_packing.ts";

/** Share of the texts whose first phrases are predicted too, not only what can be known from them. */
const DESCRIBED = 0.25;

/** Longest answer, end mark included: `circle at x3 y5`. */
export const LONGEST_ANSWER = 5;

/** Longest question with its answer, a multiple of four tokens. */
export const LONGEST_QUESTION = 16;

/**
 * The curriculum: what the scenes of a step are like.
 *
 * It begins with two objects, tokens that all show one of them, and questions that ask for nothing
 * but what one token says, for to find one of six objects among many empty tokens is hardly ever
 * learnt from such scenes alone. Every 400 steps there may be one object more; all questions come
 * after 512 steps, the order of patches after 1,024, and the ground comes in over 3,000, as do, over half
 * of them, scenes that show each object once. After 2,560 steps half of the texts are as prompts are:
 * a description, and the question.
 */
export function curriculum(
  step: number,
): { objects: number; order: BagOrder; types: readonly string[]; prompts: number } {
  return {
    objects: Math.min(6, 2 + Math.floor(step / 400)),
    order: {
      patches: step < 1024 ? 0 : 0.5,
      ground: Math.min(1, step / 3000),
      once: Math.min(0.5, step / 3000),
    },
    types: step < 512 ? LOOK_UPS : DRAWN_TYPES,
    prompts: step < 2560 ? 0 : 0.5,
  };
}

/** What scenes are like when the curriculum is over. */
export const FULL = curriculum(Infinity);

/** The batch of a step: the same for the same seed and step. */
export function languageBatch(
  layout: LanguageLayout,
  tokenizer: Tokenizer,
  seed: number,
  step: number,
): LanguageBatch {
  const random = stream(seed, `language/${step}`);
  const { objects: most, order, types, prompts } = curriculum(step);
  // Half of the scenes are as full as they get: they are the hardest.
  const scene = () => drawScene(random, random.uniform() < 0.5 ? most : 1 + random.int(most));
  const ask = (drawn: Scene, layout: { blocks: number }) =>
    Array.from(
      { length: layout.blocks },
      () => encodeQuestion(askScene(drawn, random, types), tokenizer),
    );
  return {
    texts: Array.from({ length: layout.texts.batch }, () => {
      const drawn = scene();
      const draw = prompts > 0 && random.uniform() < prompts ? drawPrompt : drawText;
      return {
        ...draw(drawn, layout.texts.prefix, tokenizer, random),
        questions: ask(drawn, layout.texts),
      };
    }),
    scenes: Array.from({ length: layout.scenes.batch }, () => {
      const drawn = scene();
      return {
        bags: bagsOf(drawn, tokenizer, random, order),
        questions: ask(drawn, layout.scenes),
      };
    }),
  };
}

/** A scene's phrase tokens as token ids. */
export function bagsOf(
  scene: Scene,
  tokenizer: Tokenizer,
  random: RandomStream,
  order: BagOrder = FULL.order,
): ReadonlyMap<number, number>[] {
  return sceneBags(scene, random, order).map((bag) => bagIds(bag, tokenizer.encode));
}

/** A question as token ids: the answer follows the question mark and ends with the end mark. */
export function encodeQuestion(
  { text, answer }: Pick<SceneQuestion, "text" | "answer">,
  tokenizer: Tokenizer,
): { prompt: number[]; answer: number[] } {
  return {
    prompt: tokenizer.encode(text),
    answer: [...tokenizer.encode(answer), tokenizer.eos],
  };
}

/**
 * A description that fills so many tokens: each object, and all of them again in other words and orders,
 * which can be known from the first time.
 */
function drawText(
  scene: Scene,
  length: number,
  tokenizer: Tokenizer,
  random: RandomStream,
): Omit<PackedText, "questions"> {
  const phrases = describeToLength(scene, length - 1, tokenizer.encode, random);
  const isTold = random.uniform() < DESCRIBED;
  return {
    tokens: [tokenizer.bos, ...phrases.flat()],
    predicted: [
      false,
      ...phrases.flatMap((phrase, i) => phrase.map(() => isTold || i >= scene.length)),
    ],
  };
}

/**
 * A description as {@linkcode testText} has it, behind padding: an answer must not depend on how many
 * tokens there are before the question.
 */
function drawPrompt(
  scene: Scene,
  length: number,
  tokenizer: Tokenizer,
  random: RandomStream,
): Omit<PackedText, "questions"> {
  const description = [tokenizer.bos, ...tokenizer.encode(describeScene(scene, random))];
  const isTold = random.uniform() < DESCRIBED;
  const padding = Array<number>(length - description.length).fill(tokenizer.pad);
  return {
    tokens: [...padding, ...description],
    predicted: [...padding.map(() => false), ...description.map((_, t) => isTold && t > 0)],
  };
}

/** A description with one question behind it, as a prompt has them, whose answer alone counts. */
export function testText(
  scene: Scene,
  question: SceneQuestion,
  tokenizer: Tokenizer,
  random: RandomStream,
): PackedText {
  const description = [tokenizer.bos, ...tokenizer.encode(describeScene(scene, random))];
  const { prompt, answer } = encodeQuestion(question, tokenizer);
  const tokens = [...description, ...prompt, ...answer];
  return {
    tokens,
    predicted: tokens.map((_, t) => t >= tokens.length - answer.length),
    questions: [],
  };
}

/** Names of the question types. */
export const QUESTION_NAMES = Object.keys(SCENE_QUESTIONS);
