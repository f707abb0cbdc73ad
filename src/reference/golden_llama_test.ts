/** The reference decoder against the golden decoders, plain, with LoRA, and packed. */
import assert from "node:assert/strict";
import {
  type Golden,
  goldenFloat64,
  goldenTensor,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { assertClose, FLOAT64 } from "../testing/tolerance.ts";
import { causal, prefixBlocks } from "./attention.ts";
import { crossEntropy, crossEntropyBackward, IGNORED } from "./cross_entropy.ts";
import { llama, type LlamaConfig } from "./llama.ts";
import { loraGradients, mergeLora, type Weights } from "./lora.ts";
import { type PackedSequence, packQuestions } from "./packing.ts";
import { add, dot, row, type Values } from "./values.ts";

interface Model {
  config: LlamaConfig;
  base: Weights;
  /** Base weights with the adapter merged in. */
  adapted: Weights;
  adapter: Weights;
  rank: number;
  factor: number;
}

for (const name of listGolden("llama")) {
  const topic = `llama/${name}`;

  for (const variant of ["base", "lora"] as const) {
    Deno.test(`the reference gives the golden decoder ${name}, ${variant}`, () => {
      const model = readModel(topic);
      const { json } = readGolden(topic, "case");
      const inputs = readGolden(topic, "inputs");
      const expected = readGolden(topic, "expected");
      const want = (what: string) => goldenFloat64(expected, `${variant}.${what}`);
      const weights = variant === "base" ? model.base : model.adapted;
      const [pictures, , width] = goldenTensor(inputs, "image_embeds").shape;
      const text = json.text_length_padded;
      const vocabulary = model.config.vocab_size;

      const sequences = Array.from({ length: pictures }, (_, picture) => ({
        imageEmbeds: row(
          goldenFloat64(inputs, "image_embeds"),
          picture,
          json.image_tokens * width,
        ),
        ...packQuestions(json.image_tokens, [{
          ids: row(goldenFloat64(inputs, "input_ids"), picture, text),
          answerMask: row(goldenFloat64(inputs, "answer_mask"), picture, text),
        }]),
      }));
      const counted = sequences.reduce(
        (sum, { targets }) => sum + answerTokens(targets),
        0,
      );
      const sums = new Map<string, Float64Array>();
      const gradImageEmbeds: number[] = [];
      let loss = 0;
      for (const [picture, sequence] of sequences.entries()) {
        const result = run(weights, model.config, sequence, 1 / counted);
        loss += result.loss;
        gradImageEmbeds.push(...result.gradImageEmbeds);
        for (const [key, gradient] of result.gradients) {
          sums.set(
            key,
            add(gradient, sums.get(key) ?? new Float64Array(gradient.length)),
          );
        }
        const tokens = json.image_tokens + text;
        const valid = row(goldenFloat64(inputs, "valid_mask"), picture, tokens);
        const shown = result.logits.map((value, i) =>
          valid[Math.floor(i / vocabulary)] ? value : 0
        );
        const logits = row(want("logits"), picture, tokens * vocabulary);
        assertClose(shown, logits, FLOAT64, `logits of picture ${picture}`);
      }
      assertClose([loss], want("loss"), FLOAT64, "loss");
      assertClose(
        [loss],
        [json.losses[variant]],
        FLOAT64,
        "loss in case.json",
      );

      const gradients = new Map<string, Values>([...sums, [
        "image_embeds",
        gradImageEmbeds,
      ]]);
      if (variant === "lora") addLoraGradients(gradients, sums, model);
      assertGradients(gradients, expected, `${variant}.grad.`);
    });
  }

  Deno.test(`the reference gives the golden packed sequence ${name}`, () => {
    const model = readModel(topic);
    const inputs = readGolden(topic, "inputs");
    const expected = readGolden(topic, "expected_packed");
    const { json } = readGolden(topic, "case");
    const imageEmbeds = goldenFloat64(inputs, "packed.image_embeds");
    const questions = questionsOf(inputs, json.packed_lengths.length);
    const packed = packQuestions(json.image_tokens, questions);

    assert.deepEqual([...packed.positions], [
      ...goldenTensor(inputs, "packed.position_ids").data,
    ]);
    assert.deepEqual([...packed.segment], [
      ...goldenTensor(inputs, "packed.segment").data,
    ]);
    const mask = prefixBlocks(packed.segment);
    const tokens = packed.positions.length;
    const seen = Array.from(
      { length: tokens ** 2 },
      (_, at) => Number(mask(Math.floor(at / tokens), at % tokens)),
    );
    assert.deepEqual(seen, [
      ...goldenTensor(inputs, "packed.attention_mask").data,
    ]);

    const answered = questions.map(({ answerMask }) =>
      Array.from(answerMask).filter(Boolean).length
    );
    const total = answered.reduce((sum, count) => sum + count, 0);
    const weightOf = {
      sum: () => 1,
      token_mean: () => 1 / total,
      question_mean: (question: number) => 1 / (questions.length * answered[question]),
    };
    for (const [reduction, weight] of Object.entries(weightOf)) {
      const rowWeights = predictedQuestion(packed).map(weight);
      const result = run(model.adapted, model.config, {
        imageEmbeds,
        ...packed,
      }, rowWeights);
      assertClose(
        result.logits,
        goldenFloat64(expected, "logits"),
        FLOAT64,
        "logits",
      );
      const loss = goldenFloat64(expected, `loss_${reduction}`);
      assertClose([result.loss], loss, FLOAT64, `loss_${reduction}`);
      assertClose(
        [result.loss],
        [json.losses[`packed_${reduction}`]],
        FLOAT64,
        reduction,
      );
      const gradients = new Map<string, Values>([[
        "image_embeds",
        result.gradImageEmbeds,
      ]]);
      addLoraGradients(gradients, result.gradients, model);
      assertGradients(gradients, expected, `grad_${reduction}.`);
    }
  });

  Deno.test(`packed questions of ${name} give what they give alone`, () => {
    const model = readModel(topic);
    const inputs = readGolden(topic, "inputs");
    const expected = readGolden(topic, "expected_packed");
    const { json } = readGolden(topic, "case");
    const imageEmbeds = goldenFloat64(inputs, "packed.image_embeds");
    for (
      const [q, question] of questionsOf(inputs, json.packed_lengths.length)
        .entries()
    ) {
      const alone = packQuestions(json.image_tokens, [question]);
      const result = run(
        model.adapted,
        model.config,
        { imageEmbeds, ...alone },
        1,
      );
      const want = (what: string) => goldenFloat64(expected, `separate${q}.${what}`);
      assertClose([result.loss], want("loss_sum"), FLOAT64, `loss_sum ${q}`);
      const mean = result.loss / answerTokens(alone.targets);
      assertClose([mean], want("loss_mean"), FLOAT64, `loss_mean ${q}`);
      const gradient = want("grad_sum.image_embeds");
      assertClose(result.gradImageEmbeds, gradient, FLOAT64, `gradient ${q}`);
    }
  });

  Deno.test(`the reference continues a question of ${name} as the golden decoder does`, () => {
    const model = readModel(topic);
    const inputs = readGolden(topic, "inputs");
    const expected = [
      ...goldenTensor(readGolden(topic, "expected_packed"), "greedy_ids").data,
    ];
    const imageEmbeds = goldenFloat64(inputs, "packed.image_embeds");
    const { image_tokens: imageTokens } = readGolden(topic, "case").json;
    const ids = Array.from(questionsOf(inputs, 1)[0].ids);
    const start = ids.length;
    while (ids.length < start + expected.length) {
      const { positions } = packQuestions(imageTokens, [{
        ids,
        answerMask: ids.map(() => 0),
      }]);
      const input = { imageEmbeds, ids, positions, mask: causal };
      const { logits } = llama(model.adapted, model.config, input);
      const last = row(logits, positions.length - 1, model.config.vocab_size);
      ids.push(last.indexOf(Math.max(...last)));
    }
    assert.deepEqual(ids.slice(start), expected);
  });
}

/** Loss as the weighted sum of the row losses, with its gradients. */
function run(
  weights: Weights,
  config: LlamaConfig,
  sequence: PackedSequence & { imageEmbeds: Float64Array },
  weight: number | number[],
) {
  const { targets, segment } = sequence;
  const { logits, backward } = llama(weights, config, {
    ...sequence,
    mask: prefixBlocks(segment),
  });
  const rowWeights = Array.from(
    targets,
    (_, r) => typeof weight === "number" ? weight : weight[r],
  );
  const { rowLoss } = crossEntropy(logits, targets, config.vocab_size);
  const gradLogits = crossEntropyBackward(
    logits,
    targets,
    rowWeights,
    config.vocab_size,
  );
  return { logits, loss: dot(rowLoss, rowWeights), ...backward(gradLogits) };
}

function readModel(topic: string): Model {
  const weightsOf = (file: string): Weights => {
    const golden = readGolden(topic, file);
    return new Map(
      [...golden.tensors.keys()].map((
        name,
      ) => [name, goldenFloat64(golden, name)]),
    );
  };
  const { r: rank, lora_alpha: alpha } = readGolden(topic, "adapter_config").json;
  const base = weightsOf("model");
  const adapter = weightsOf("adapter_model");
  const adapted = mergeLora(base, adapter, rank, alpha / rank);
  const config: LlamaConfig = readGolden(topic, "config").json;
  return { config, base, adapted, adapter, rank, factor: alpha / rank };
}

function questionsOf(inputs: Golden, count: number) {
  return Array.from({ length: count }, (_, q) => ({
    ids: goldenFloat64(inputs, `packed.question${q}_ids`),
    answerMask: goldenFloat64(inputs, `packed.question${q}_answer_mask`),
  }));
}

/** For every position, the question of the token it predicts. */
function predictedQuestion({ segment }: PackedSequence): number[] {
  return Array.from(segment, (own) => Math.max(own, 0));
}

function answerTokens(targets: Int32Array): number {
  return targets.filter((target) => target !== IGNORED).length;
}

function addLoraGradients(
  gradients: Map<string, Values>,
  ofWeights: Weights,
  { adapter, rank, factor }: Model,
): void {
  const lora = loraGradients(ofWeights, adapter, rank, factor);
  for (const [name, gradient] of lora) gradients.set(name, gradient);
}

/** Compares each golden gradient under this prefix; none may be missing on either side. */
function assertGradients(
  gradients: Map<string, Values>,
  expected: Golden,
  prefix: string,
): void {
  const names = [...expected.tensors.keys()].filter((name) => name.startsWith(prefix));
  assert.deepEqual(
    [...gradients.keys()].map((name) => `${prefix}${name}`).sort(),
    names.sort(),
  );
  for (const [name, gradient] of gradients) {
    const want = goldenFloat64(expected, `${prefix}${name}`);
    assertClose(gradient, want, FLOAT64, `${prefix}${name}`);
  }
}
