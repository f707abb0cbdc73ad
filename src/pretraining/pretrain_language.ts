/**
 * Pre-trains the embedded decoder on descriptions of scenes, and questions and answers about them.
 *
 * It never sees a picture. Some scenes are text; others stand in its prefix as phrase tokens, see
 * `description.ts`.
 */
import { join } from "node:path";
import { stream } from "../data/random.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { readTensor } from "../gpu/bands.ts";
import type { Engine } from "../gpu/engine.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import { llamaSpecs, packLlama, unpackLlama } from "../models/llama_weights.ts";
import type { AdamWSettings } from "../nn/adamw.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import {
  createParameters,
  drawValues,
  freeParameters,
  type Parameter,
  writeParameter,
} from "../nn/parameters.ts";
import { readTrainingState } from "../nn/training_state.ts";
import { GRID } from "./description.ts";
import {
  bagsOf,
  encodeQuestion,
  languageBatch,
  LONGEST_ANSWER,
  LONGEST_QUESTION,
  QUESTION_NAMES,
  testText,
} from "./language_data.ts";
import {
  compileLanguagePrograms,
  type LanguageLayout,
  type LanguageLosses,
  type LanguagePrograms,
} from "./language_step.ts";
import { SCENE_QUESTIONS } from "./questions.ts";
import { meanOfEach, type ResumableHooks, type Schedule, trainResumably } from "./resumable.ts";
import { drawScene } from "./scene.ts";

/** What determines a pre-training of the decoder, besides its data and its shape. */
export interface LanguageSettings extends AdamWSettings, Schedule {
  seed: number;
  /** Scenes as text a step, tokens of each, and questions of each. */
  texts: { batch: number; length: number; questions: number };
  /** Scenes as phrase tokens a step, and questions of each. */
  scenes: { batch: number; questions: number };
  /** Largest global norm of the gradient; 0 for none. */
  clip: number;
}

/** The settings of the embedded decoder. */
export const LANGUAGE_SETTINGS: LanguageSettings = {
  steps: 5120,
  seed: 1,
  texts: { batch: 3, length: 72, questions: 10 },
  scenes: { batch: 12, questions: 10 },
  learningRate: 1.5e-3,
  warmup: 100,
  decay: 1536,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weightDecay: 0.01,
  clip: 1,
};

/** A point of the training curve: means over the steps since the last point. */
export interface LanguagePoint extends LanguageLosses {
  step: number;
}

/** Share of held-out questions answered right, by type. */
export interface LanguageAccuracy {
  /** The scene is a description in the prompt. */
  text: Record<string, number>;
  /** The scene is phrase tokens in the prefix. */
  phrases: Record<string, number>;
  /** Questions of each type in each of the two. */
  questions: number;
}

/** What a pre-training gives. */
export interface PretrainedDecoder {
  config: LlamaConfig;
  /** In checkpoint layout. */
  weights: Map<string, MatrixValues>;
  curve: LanguagePoint[];
  /** Of the weights in half precision, as they are written. */
  accuracy: LanguageAccuracy;
  /** Of training, all sittings together. */
  seconds: number;
}

/** Where it goes on and what it tells. */
export interface LanguageHooks extends ResumableHooks<LanguagePoint> {
  /** Folder of the checkpoint; none is kept when absent. */
  folder?: string;
  /** Questions of each type at the end. */
  testQuestions?: number;
}

const CHECKPOINT = "language.checkpoint.safetensors";

/**
 * Trains a decoder, from its checkpoint where there is one.
 *
 * @throws {RangeError} If the checkpoint was made with other settings.
 * @throws {DOMException} `AbortError` when the signal fires, after a checkpoint.
 */
export async function pretrainLanguage(
  engine: Engine,
  shape: Omit<LlamaConfig, "vocab_size">,
  tokenizer: Tokenizer,
  settings: LanguageSettings,
  hooks: LanguageHooks = {},
): Promise<PretrainedDecoder> {
  const config: LlamaConfig = { vocab_size: tokenizer.vocabularySize, ...shape };
  const first = firstWeights(config, settings.seed);
  const parameters = createParameters(
    engine,
    [...packLlama(config, first)].map(([name, { data, ...size }]) => ({
      name,
      ...size,
      values: data,
    })),
  );
  const layout = languageLayout(settings, tokenizer);
  const programs = compileLanguagePrograms(engine, config, parameters, layout, settings);
  const { steps: _, decay: __, ...constant } = settings;
  try {
    const { curve, seconds } = await trainResumably<LanguagePoint>({
      engine,
      parameters,
      moments: programs.moments,
      schedule: settings,
      path: hooks.folder && join(hooks.folder, CHECKPOINT),
      description: JSON.stringify({ config, ...constant }),
      train: (step, learningRate) =>
        programs.train(languageBatch(layout, tokenizer, settings.seed, step), step, learningRate),
      measure: async () => meanOfEach(await programs.readLosses()),
    }, hooks);
    for (const parameter of parameters) {
      // What is written in half precision is what is tested.
      const values = await readTensor(engine, parameter.tensor);
      writeParameter(engine, parameter, values.map(Math.f16round));
    }
    const accuracy = await testLanguage(engine, config, parameters, tokenizer, {
      seed: settings.seed,
      questions: hooks.testQuestions ?? 500,
    });
    const state = await readTrainingState(engine, parameters, programs.moments);
    const weights = unpackLlama(
      config,
      new Map(parameters.map(({ name }) => [name, state.get(`parameters/${name}`)!])),
    );
    return { config, weights, curve, accuracy, seconds };
  } finally {
    programs.destroy();
    freeParameters(engine, parameters);
  }
}

/** Sizes of a step. */
function languageLayout(
  { texts, scenes }: Pick<LanguageSettings, "texts" | "scenes">,
  tokenizer: Tokenizer,
): LanguageLayout {
  const common = {
    block: LONGEST_QUESTION,
    answers: LONGEST_ANSWER,
    vocabulary: tokenizer.vocabularySize,
    pad: tokenizer.pad,
  };
  return {
    texts: { batch: texts.batch, prefix: texts.length, blocks: texts.questions, ...common },
    scenes: {
      batch: scenes.batch,
      lead: [tokenizer.bos],
      prefix: 1 + 1 + GRID ** 2,
      blocks: scenes.questions,
      ...common,
    },
  };
}

/** What an attention layer adds at first, as a share of what it looks at. */
const COPY = 0.5;

/**
 * First weights that copy: attention's output map is the transpose of its value map, and the head is
 * the embedding, so that a token that looks at another adds that one's words to what it predicts.
 * What is left to learn is where to look. (After arXiv 2305.09828, where the two maps' product begins
 * near a multiple of the identity.)
 */
function firstWeights(config: LlamaConfig, seed: number): Map<string, MatrixValues> {
  const first = new Map(
    llamaSpecs(config).map((spec): [string, MatrixValues] => [
      spec.name,
      { rows: spec.rows, columns: spec.columns, data: drawValues(seed, spec) },
    ]),
  );
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const [value, output] = ["v_proj", "o_proj"].map((name) =>
      first.get(`model.layers.${layer}.self_attn.${name}.weight`)!
    );
    const heads = config.num_attention_heads / config.num_key_value_heads;
    for (let row = 0; row < output.rows; row++) {
      for (let column = 0; column < output.columns; column++) {
        const head = Math.floor(column / config.head_dim);
        const from = Math.floor(head / heads) * config.head_dim + column % config.head_dim;
        output.data[row * output.columns + column] = COPY * value.data[from * value.columns + row];
      }
    }
  }
  const head = first.get("lm_head.weight");
  head?.data.set(first.get("model.embed_tokens.weight")!.data);
  return first;
}

/** Prompts with their answers, and scenes as phrase tokens, that are tested at a time. */
export const TESTED = {
  texts: { batch: 24, length: 96, questions: 0 },
  scenes: { batch: 12, questions: 10 },
};

/** Accuracy by question type on scenes of six objects that no training step draws. */
export async function testLanguage(
  engine: Engine,
  config: LlamaConfig,
  parameters: Parameter[],
  tokenizer: Tokenizer,
  { seed, questions, types = QUESTION_NAMES }: {
    seed: number;
    /** Of each type, in each of the two forms of a scene. */
    questions: number;
    types?: readonly string[];
  },
): Promise<LanguageAccuracy> {
  const layout = languageLayout(TESTED, tokenizer);
  const programs = compileLanguagePrograms(engine, config, parameters, layout, LANGUAGE_SETTINGS);
  const accuracy: LanguageAccuracy = { text: {}, phrases: {}, questions };
  try {
    for (const type of types) {
      const right = await testType(programs, tokenizer, type, questions, seed);
      accuracy.text[type] = right.text / questions;
      accuracy.phrases[type] = right.phrases / questions;
    }
  } finally {
    programs.destroy();
  }
  return accuracy;
}

/** Right answers to questions of a type, of the scene as text and as phrase tokens. */
async function testType(
  programs: LanguagePrograms,
  tokenizer: Tokenizer,
  type: string,
  questions: number,
  seed: number,
): Promise<{ text: number; phrases: number }> {
  const random = stream(seed, `language test/${type}`);
  /** A scene with up to `most` questions of the type. */
  const draw = (most: number) => {
    while (true) {
      const scene = drawScene(random, 6);
      const asked = Array.from({ length: most }, () => SCENE_QUESTIONS[type](scene, random))
        .filter((question) => question !== null);
      if (asked.length > 0) return { scene, asked };
    }
  };
  const { texts, scenes } = TESTED;
  const text: boolean[] = [], phrases: boolean[] = [];
  while (Math.min(text.length, phrases.length) < questions) {
    const result = await programs.test({
      texts: Array.from({ length: texts.batch }, () => {
        const { scene, asked: [question] } = draw(1);
        return testText(scene, { ...question, type }, tokenizer, random);
      }),
      scenes: Array.from({ length: scenes.batch }, () => {
        const { scene, asked } = draw(scenes.questions);
        return {
          bags: bagsOf(scene, tokenizer, random),
          questions: asked.map((question) => encodeQuestion(question, tokenizer)),
        };
      }),
    });
    text.push(...result.texts);
    phrases.push(...result.questions.flat());
  }
  const count = (all: boolean[]) => all.slice(0, questions).filter(Boolean).length;
  return { text: count(text), phrases: count(phrases) };
}
