/** The pre-training step against the float64 reference, and its test against greedy decoding. */
import assert from "node:assert/strict";
import { readMatrix } from "../gpu/memory.ts";
import type { Engine } from "../gpu/program.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import { llamaSpecs, type NamedMatrix, packLlama, unpackLlama } from "../models/llama_weights.ts";
import { createParameters, drawValues, freeParameters } from "../nn/parameters.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { causal, PREFIX, prefixBlocks } from "../testing/reference/attention.ts";
import { crossEntropy, crossEntropyBackward, IGNORED } from "../testing/reference/cross_entropy.ts";
import { llama } from "../testing/reference/llama.ts";
import { assertGradient } from "../testing/finite_difference.ts";
import { assertClose } from "../testing/tolerance.ts";
import {
  compileLanguagePrograms,
  type Document,
  type LanguageBatch,
  type LanguageLayout,
  type PackedScene,
} from "./language_step.ts";

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
const LAYOUT: LanguageLayout = {
  documents: { batch: 3, length: 8 },
  scenes: {
    ...{ batch: 2, lead: [BOS], prefix: 4, blocks: 2, block: 8 },
    ...{ answers: 3, vocabulary: CONFIG.vocab_size, pad: 0 },
  },
};

const bag = (...words: [number, number][]) => new Map(words);

/** Documents of several lengths, one place too few of them; scenes with one and two questions. */
const BATCH: LanguageBatch = {
  documents: [
    {
      tokens: [1, 5, 3, 7, 5, 9, 2, 4],
      predicted: [false, true, true, true, true, true, true, true],
    },
    { tokens: [1, 8, 8, 6, 2], predicted: [true, false, false, true, true] },
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
function drawWeights(config: LlamaConfig, deviation: number): Map<string, NamedMatrix> {
  return new Map(
    llamaSpecs(config).map((spec) => {
      const { name, rows, columns } = spec;
      const data = drawValues(3, { ...spec, initialisation: { kind: "normal", deviation } });
      return [name, { rows, columns, data: rows === 1 ? data.map((value) => 1 + value) : data }];
    }),
  );
}

/** The programs over drawn weights. */
function compile(engine: Engine, config: LlamaConfig, deviation = 0.4) {
  const weights = drawWeights(config, deviation);
  const parameters = createParameters(
    engine,
    [...packLlama(config, weights)].map(([name, { data, ...size }]) => ({
      ...{ name, ...size, values: data },
    })),
  );
  const programs = compileLanguagePrograms(engine, config, parameters, LAYOUT, OPTIMIZER);
  return {
    weights,
    programs,
    free() {
      programs.destroy();
      freeParameters(engine, parameters);
    },
  };
}

/** The sequence of a document or of a scene, as the reference reads it, and what each row predicts. */
interface Sequence {
  /** What stands before the text: the lead and the mixtures, by words. */
  prefix: ReadonlyMap<number, number>[];
  ids: number[];
  positions: number[];
  segment: number[];
  targets: number[];
}

function ofDocument({ tokens, predicted }: Document): Sequence {
  return {
    prefix: [],
    ids: tokens,
    positions: [...tokens.keys()],
    segment: tokens.map(() => PREFIX),
    targets: tokens.map((_, t) => predicted[t + 1] ? tokens[t + 1] : IGNORED),
  };
}

function ofScene({ bags, questions }: PackedScene): Sequence {
  const prefix = [bag([BOS, 1]), ...bags];
  const sequence: Sequence = {
    prefix,
    ids: [],
    positions: [...prefix.keys()],
    segment: prefix.map(() => PREFIX),
    targets: prefix.map(() => IGNORED),
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
  const mask = prefix.length > 0 ? prefixBlocks(segment) : causal;
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
    documents: batch.documents.map(ofDocument),
    scenes: batch.scenes.map(ofScene),
  };
  const tokensOf = (sequences: Sequence[]) =>
    sequences.flatMap(({ targets }) => targets).filter((target) => target !== IGNORED).length;
  const total = tokensOf(kinds.documents) + tokensOf(kinds.scenes);
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
  const [documents, scenes] = [sumOf(kinds.documents), sumOf(kinds.scenes)];
  return {
    documents: documents / Math.max(1, tokensOf(kinds.documents)),
    scenes: scenes / Math.max(1, tokensOf(kinds.scenes)),
    loss: (documents + scenes) / total,
    gradients,
  };
}

const float64 = (weights: ReadonlyMap<string, NamedMatrix>) =>
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
  ["documents and scenes", BATCH],
  ["documents alone", { ...BATCH, scenes: [] }],
  ["scenes alone", { ...BATCH, documents: [] }],
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
        assertClose([losses.documents], [expected.documents], TOLERANCE, "documents");
        assertClose([losses.scenes], [expected.scenes], TOLERANCE, "scenes");
        // With beta1 = 0 the first moment is the gradient.
        const moments = new Map<string, NamedMatrix>();
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
    const documents = [[1, 5, 3], [1, 8, 4, 6, 9]].map((prompt) => {
      const answer = answerTo(
        3,
        (answer) => nextOf(ofDocument({ tokens: [...prompt, ...answer], predicted: [] })),
      );
      const tokens = [...prompt, ...answer];
      return { tokens, predicted: tokens.map((_, t) => t >= prompt.length) };
    });
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
    const greedy = { documents, scenes };
    const all = [
      ...scenes.flatMap(({ questions }) => questions.map(({ answer }) => answer.join())),
    ];
    assert.ok(new Set(all).size > 1, "answers differ");
    const right = {
      documents: [true, true],
      questions: scenes.map(({ questions }) => questions.map(() => true)),
    };
    assert.deepEqual(await programs.test(greedy), right);

    // Any other token, in any place, is wrong there and nowhere else.
    const otherThan = (token: number) => (token + 1) % CONFIG.vocab_size;
    for (let place = 0; place < 3; place++) {
      const changed = structuredClone(greedy);
      const [, { tokens }] = changed.documents;
      const at = tokens.length - 3 + place;
      tokens[at] = otherThan(tokens[at]);
      const { answer } = changed.scenes[0].questions[1];
      answer[place] = otherThan(answer[place]);
      const result = await programs.test(changed);
      assert.deepEqual(result.documents, [true, false], `place ${place}`);
      assert.deepEqual(result.questions, [[true, false], [true]], `place ${place}`);
    }

    // What is not predicted does not count.
    const ignored = structuredClone(greedy);
    ignored.documents[1].predicted.fill(false);
    ignored.documents[1].tokens[7] = otherThan(ignored.documents[1].tokens[7]);
    assert.deepEqual((await programs.test(ignored)).documents, [true, true]);
    free();
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
    assert.ok(plain[4].documents < plain[0].documents && plain[4].scenes < plain[0].scenes);
    assert.deepEqual(await losses(true), plain);
  });

  Deno.test(`a document that is too long is refused ${formOf(engine)}`, () => {
    const { programs, free } = compile(engine, CONFIG);
    const tokens = Array(9).fill(3);
    const documents = [{ tokens, predicted: tokens.map(() => true) }];
    assert.throws(
      () => programs.train({ documents, scenes: [] }, 0, 0),
      /^RangeError: Cannot train on document: 9 tokens exceed 8$/,
    );
    free();
  });
}
