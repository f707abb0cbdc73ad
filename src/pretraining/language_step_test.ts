/** The pre-training step against the float64 reference, and its test against greedy decoding. */
import assert from "node:assert/strict";
import type { Engine } from "../gpu/engine.ts";
import { readMatrix } from "../gpu/memory.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import { llamaSpecs, packLlama, unpackLlama } from "../models/llama_weights.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { createParameters, drawValues, freeParameters } from "../nn/parameters.ts";
import { PREFIX, prefixBlocks } from "../reference/attention.ts";
import { crossEntropy, crossEntropyBackward, IGNORED } from "../reference/cross_entropy.ts";
import { llama } from "../reference/llama.ts";
import { assertGradient } from "../testing/finite_difference.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import {
  compileLanguagePrograms,
  type LanguageBatch,
  type LanguageLayout,
  type PackedScene,
} from "./language_step.ts";
import type { PackedText } from "./text_packing.ts";

/** Two layers, grouped heads, widths that are no multiples of four. */
const CONFIG: LlamaConfig = {
  vocab_size: 11,
  hidden_size: 10,
  intermediate_size: 14,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: false,
};

const BOS = 1;
const COMMON = { block: 8, answers: 3, vocabulary: CONFIG.vocab_size, pad: 0 };
const LAYOUT: LanguageLayout = {
  texts: { batch: 3, prefix: 8, blocks: 2, ...COMMON },
  scenes: { batch: 2, lead: [BOS], prefix: 4, blocks: 2, ...COMMON },
};
/** Texts that no question follows, as prompts and their answers are. */
const PROMPTS: LanguageLayout = { ...LAYOUT, texts: { ...LAYOUT.texts, blocks: 0 } };

const bag = (...words: [number, number][]) => new Map(words);

/** One text too few; each kind with no, one and two questions. */
const BATCH: LanguageBatch = {
  texts: [
    {
      tokens: [1, 5, 3, 7, 5, 9, 2, 4],
      predicted: [false, true, true, true, true, true, true, true],
      questions: [{ prompt: [3, 10], answer: [6, 2] }, { prompt: [9], answer: [4, 7, 2] }],
    },
    { tokens: [1, 8, 8, 6, 2], predicted: [true, false, false, true, true], questions: [] },
  ],
  scenes: [
    {
      bags: [bag([4, 0.9], [7, 1.2]), bag([10, 0.5], [4, 0.7], [6, 1.1]), bag([3, 1])],
      questions: [{ prompt: [5, 6, 9], answer: [8, 7, 2] }, { prompt: [9], answer: [4, 2] }],
    },
    {
      bags: [bag([3, 0.8]), bag(), bag([9, 1.3], [5, 1])],
      questions: [{ prompt: [7, 9], answer: [2] }],
    },
  ],
};

const OPTIMIZER = { beta1: 0, beta2: 0.98, eps: 1e-8, weightDecay: 0, clip: 0 };
const TOLERANCE = { rtol: 2e-4, atol: 1e-6 };

/** Weights with gains away from one. */
function drawWeights(config: LlamaConfig, deviation: number): Map<string, MatrixValues> {
  return new Map(
    llamaSpecs(config).map((spec) => {
      const { name, rows, columns } = spec;
      const data = drawValues(3, { ...spec, initialisation: { kind: "normal", deviation } });
      return [name, { rows, columns, data: rows === 1 ? data.map((value) => 1 + value) : data }];
    }),
  );
}

/** The programs over drawn weights. */
function compile(engine: Engine, config: LlamaConfig, deviation = 0.4, layout = LAYOUT) {
  const weights = drawWeights(config, deviation);
  const parameters = createParameters(
    engine,
    [...packLlama(config, weights)].map(([name, { data, ...size }]) => ({
      ...{ name, ...size, values: data },
    })),
  );
  const programs = compileLanguagePrograms(engine, config, parameters, layout, OPTIMIZER);
  return {
    weights,
    programs,
    free() {
      programs.destroy();
      freeParameters(engine, parameters);
    },
  };
}

/** The sequence of a text or of a scene, as the reference reads it, and what each row predicts. */
interface Sequence {
  /** What stands before the questions, by words: each token, or the lead and the mixtures. */
  prefix: ReadonlyMap<number, number>[];
  ids: number[];
  positions: number[];
  segment: number[];
  targets: number[];
}

const ofText = ({ tokens, predicted, questions }: PackedText) =>
  ofQuestions(
    tokens.map((token) => bag([token, 1])),
    tokens.map((_, t) => predicted[t + 1] ? tokens[t + 1] : IGNORED),
    questions,
  );

function ofScene({ bags, questions }: PackedScene): Sequence {
  const prefix = [bag([BOS, 1]), ...bags];
  return ofQuestions(prefix, prefix.map(() => IGNORED), questions);
}

function ofQuestions(
  prefix: ReadonlyMap<number, number>[],
  targets: number[],
  questions: PackedScene["questions"],
): Sequence {
  const sequence: Sequence = {
    prefix,
    ids: [],
    positions: [...prefix.keys()],
    segment: prefix.map(() => PREFIX),
    targets,
  };
  questions.forEach(({ prompt, answer }, question) => {
    const ids = [...prompt, ...answer.slice(0, -1)];
    sequence.ids.push(...ids);
    sequence.positions.push(...ids.map((_, t) => prefix.length + t));
    sequence.segment.push(...ids.map(() => question));
    sequence.targets.push(...prompt.slice(1).map(() => IGNORED), ...answer);
  });
  return sequence;
}

type Values = ReadonlyMap<string, Float64Array>;

/** Logits of a sequence, and the pullback of their gradient to all weights. */
function read(weights: Values, config: LlamaConfig, sequence: Sequence) {
  const { prefix, ids, positions, segment } = sequence;
  const width = config.hidden_size;
  const table = weights.get("model.embed_tokens.weight")!;
  const imageEmbeds = new Float64Array(prefix.length * width);
  const forEachWord = (visit: (at: number, word: number, weight: number) => void) =>
    prefix.forEach((words, slot) => {
      for (const [word, weight] of words) {
        for (let c = 0; c < width; c++) visit(slot * width + c, word * width + c, weight);
      }
    });
  forEachWord((at, word, weight) => imageEmbeds[at] += weight * table[word]);
  const mask = prefixBlocks(segment);
  const { logits, backward } = llama(weights, config, { imageEmbeds, ids, positions, mask });
  return {
    logits,
    backward(gradient: Float64Array) {
      const { gradImageEmbeds, gradients } = backward(gradient);
      const gradTable = gradients.get("model.embed_tokens.weight")!;
      forEachWord((at, word, weight) => gradTable[word] += weight * gradImageEmbeds[at]);
      return gradients;
    },
  };
}

/** Loss of a batch by kind, summed over tokens and divided by all of them, and its gradients. */
function reference(weights: Values, config: LlamaConfig, batch: LanguageBatch) {
  const kinds = {
    texts: batch.texts.map(ofText),
    scenes: batch.scenes.map(ofScene),
  };
  const tokensOf = (sequences: Sequence[]) =>
    sequences.flatMap(({ targets }) => targets).filter((target) => target !== IGNORED).length;
  const total = tokensOf(kinds.texts) + tokensOf(kinds.scenes);
  const gradients = new Map<string, Float64Array>();
  const sumOf = (sequences: Sequence[]) =>
    sequences.reduce((sum, sequence) => {
      const { logits, backward } = read(weights, config, sequence);
      const { targets } = sequence;
      const scale = targets.map(() => 1 / total);
      const back = backward(crossEntropyBackward(logits, targets, scale, config.vocab_size));
      for (const [name, gradient] of back) {
        const before = gradients.get(name) ?? new Float64Array(gradient.length);
        gradients.set(name, before.map((value, i) => value + gradient[i]));
      }
      const { rowLoss } = crossEntropy(logits, targets, config.vocab_size);
      return sum + rowLoss.reduce((a, b) => a + b, 0);
    }, 0);
  const [texts, scenes] = [sumOf(kinds.texts), sumOf(kinds.scenes)];
  return {
    texts: texts / Math.max(1, tokensOf(kinds.texts)),
    scenes: scenes / Math.max(1, tokensOf(kinds.scenes)),
    loss: (texts + scenes) / total,
    gradients,
  };
}

const float64 = (weights: ReadonlyMap<string, MatrixValues>) =>
  new Map([...weights].map(([name, { data }]) => [name, Float64Array.from(data)]));

Deno.test("the reference's gradient is that of its loss, mixtures included", () => {
  const weights = float64(drawWeights(CONFIG, 0.4));
  const { gradients } = reference(weights, CONFIG, BATCH);
  for (const name of ["model.embed_tokens.weight", "model.layers.0.self_attn.v_proj.weight"]) {
    assertGradient(
      (values) => reference(new Map([...weights, [name, values]]), CONFIG, BATCH).loss,
      weights.get(name)!,
      gradients.get(name)!,
      { rtol: 1e-7, atol: 1e-9, entries: 12 },
      name,
    );
  }
});

const PARTS: [what: string, batch: LanguageBatch][] = [
  ["texts and scenes", BATCH],
  ["texts alone", { ...BATCH, scenes: [] }],
  ["scenes alone", { ...BATCH, texts: [] }],
];

for (const engine of await testEngines()) {
  for (const tied of [false, true]) {
    for (const [what, batch] of tied ? PARTS.slice(0, 1) : PARTS) {
      const title = `losses and gradients of ${what}${tied ? ", embeddings tied," : ""}`;
      Deno.test(`${title} are the reference's ${formOf(engine)}`, async () => {
        const before = engine.memory.bytes;
        const config = { ...CONFIG, tie_word_embeddings: tied };
        const { programs, weights, free } = compile(engine, config);
        programs.train(batch, 0, 0);
        const [losses] = await programs.readLosses();
        const expected = reference(float64(weights), config, batch);
        assertClose([losses.texts], [expected.texts], TOLERANCE, "texts");
        assertClose([losses.scenes], [expected.scenes], TOLERANCE, "scenes");
        // With beta1 = 0 the first moment is the gradient.
        const moments = new Map<string, MatrixValues>();
        for (const [name, { m }] of programs.moments) {
          const data = await readMatrix(engine.device, m.matrix!);
          moments.set(name, { rows: m.rows, columns: m.columns, data });
        }
        const gradients = unpackLlama(config, moments);
        assert.deepEqual([...gradients.keys()].sort(), [...expected.gradients.keys()].sort());
        for (const [name, gradient] of expected.gradients) {
          assertClose(gradients.get(name)!.data, gradient, TOLERANCE, name);
        }
        const squares = [...expected.gradients.values()].flatMap((values) => [...values])
          .reduce((sum, value) => sum + value ** 2, 0);
        assertClose([losses.gradientNorm], [Math.sqrt(squares)], TOLERANCE, "gradient norm");
        free();
        assert.equal(engine.memory.bytes, before);
      });
    }
  }

  Deno.test(`test() says what greedy decoding would have answered ${formOf(engine)}`, async () => {
    const { programs, weights, free } = compile(engine, CONFIG, 1);
    const values = float64(weights);
    /** The likeliest token behind a sequence, by the reference. */
    const nextOf = (sequence: Sequence) => {
      const { logits } = read(values, CONFIG, sequence);
      const last = [...logits.subarray(-CONFIG.vocab_size)];
      return last.indexOf(Math.max(...last));
    };
    const answerTo = (tokens: number, next: (answer: number[]) => number) => {
      const answer: number[] = [];
      while (answer.length < tokens) answer.push(next(answer));
      return answer;
    };
    const continued = (prompt: number[], questions: PackedText["questions"]): PackedText => {
      const answer = answerTo(
        3,
        (answer) =>
          nextOf(ofText({ tokens: [...prompt, ...answer], predicted: [], questions: [] })),
      );
      const tokens = [...prompt, ...answer];
      return { tokens, predicted: tokens.map((_, t) => t >= prompt.length), questions };
    };
    const alone = continued([1, 5, 3], []);
    const asked = continued([1, 8, 4, 6, 9], []);
    asked.questions = [[9, 5], [3]].map((prompt) => ({
      prompt,
      answer: answerTo(
        2,
        (answer) => nextOf(ofText({ ...asked, questions: [{ prompt, answer: [...answer, 0] }] })),
      ),
    }));
    const texts = [alone, asked];
    const scenes = BATCH.scenes.map(({ bags, questions }) => ({
      bags,
      questions: questions.map(({ prompt }) => ({
        prompt,
        // The last token of an answer predicts nothing, so any stands for it here.
        answer: answerTo(
          3,
          (answer) => nextOf(ofScene({ bags, questions: [{ prompt, answer: [...answer, 0] }] })),
        ),
      })),
    }));
    const greedy = { texts, scenes };
    const all = [
      ...scenes.flatMap(({ questions }) => questions.map(({ answer }) => answer.join())),
    ];
    assert.ok(new Set(all).size > 1, "answers differ");
    const right = {
      texts: [true, true],
      questions: scenes.map(({ questions }) => questions.map(() => true)),
    };
    assert.deepEqual(await programs.test(greedy), right);

    // Any other token, in any place, is wrong there and nowhere else.
    const otherThan = (token: number) => (token + 1) % CONFIG.vocab_size;
    const changedAt = (text: PackedText, at: number): PackedText => ({
      ...text,
      tokens: text.tokens.map((token, t) => t === at ? otherThan(token) : token),
    });
    for (let place = 0; place < 3; place++) {
      const changed = structuredClone(greedy);
      const [{ tokens }] = changed.texts;
      const at = tokens.length - 3 + place;
      tokens[at] = otherThan(tokens[at]);
      const { answer } = changed.scenes[0].questions[1];
      answer[place] = otherThan(answer[place]);
      const result = await programs.test(changed);
      assert.deepEqual(result.texts, [false, true], `place ${place}`);
      assert.deepEqual(result.questions, [[true, false], [true]], `place ${place}`);
    }

    // What is not predicted does not count.
    const ignored = structuredClone(greedy);
    ignored.texts[0].predicted.fill(false);
    ignored.texts[0].tokens[5] = otherThan(ignored.texts[0].tokens[5]);
    assert.deepEqual((await programs.test(ignored)).texts, [true, true]);

    // A question about a text counts with it.
    const misanswered = structuredClone(greedy);
    const [, { answer }] = misanswered.texts[1].questions;
    answer[1] = otherThan(answer[1]);
    assert.deepEqual((await programs.test(misanswered)).texts, [true, false]);
    free();

    // Prompts of any length, without questions behind them.
    const prompts = compile(engine, CONFIG, 1, PROMPTS);
    const plain = texts.map((text): PackedText => ({ ...text, questions: [] }));
    assert.deepEqual((await prompts.programs.test({ texts: plain, scenes: [] })).texts, [
      true,
      true,
    ]);
    plain[1] = changedAt(plain[1], 6);
    assert.deepEqual((await prompts.programs.test({ texts: plain, scenes: [] })).texts, [
      true,
      false,
    ]);
    prompts.free();
  });

  Deno.test(`testing changes no weight, and losses are read step by step ${formOf(engine)}`, async () => {
    const losses = async (withTest: boolean) => {
      const { programs, free } = compile(engine, CONFIG);
      const read = [];
      for (let step = 0; step < 5; step++) {
        programs.train(BATCH, step, 0.01);
        if (withTest) await programs.test(BATCH);
        if (step === 1) read.push(...await programs.readLosses());
      }
      read.push(...await programs.readLosses());
      free();
      return read;
    };
    const plain = await losses(false);
    assert.equal(plain.length, 5);
    assert.ok(plain[4].texts < plain[0].texts && plain[4].scenes < plain[0].scenes);
    assert.deepEqual(await losses(true), plain);
  });
}
