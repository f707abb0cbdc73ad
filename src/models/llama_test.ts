/**
 * The decoder on the GPU against the golden decoders: plain, with LoRA merged in and beside the
 * weights, packed, greedy.
 */
import assert from "node:assert/strict";
import { CONNECTORS } from "../connectors/connectors.ts";
import { type EncodedQuestion, packBatch, type PackingLayout } from "../data/packing.ts";
import type { Engine } from "../gpu/engine.ts";
import { writeMatrix } from "../gpu/memory.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { LoraConfig } from "../nn/lora.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import { takeColumns } from "../reference/heads.ts";
import { loraGradients, mergeLora, type Weights } from "../reference/lora.ts";
import { row } from "../reference/values.ts";
import { sequenceLength } from "../tensor/attention.ts";
import { embedding, gatherRows } from "../tensor/embedding.ts";
import { crossEntropy } from "../tensor/losses.ts";
import type { Tape } from "../tensor/tape.ts";
import {
  type Golden,
  goldenFloat64,
  goldenTensor,
  goldenTolerance,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { formOf, runOnce, testEngines } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { llamaHead, llamaLayers } from "./llama.ts";
import {
  type AdapterSet,
  createAdapters,
  freeAdapters,
  loraSpecs,
  tracedAdapters,
  unpackAdapters,
} from "./llama_adapters.ts";
import type { LlamaConfig } from "./llama_config.ts";
import { llamaSpecs, packLlama, unpackLlama } from "./llama_weights.ts";
import { createModel, destroyModel, type MultimodalModel, writeBatch } from "./multimodal.ts";
import { compileQuestioner } from "./questioner.ts";

// The golden image tokens are already where the decoder reads them.
CONNECTORS["identity"] = {
  name: "identity",
  formula: "P1(x) = x",
  parameters: () => [],
  trace: (_, x) => x,
};

/** The adapter left out, merged into the weights, or as low-rank products beside them. */
const VARIANTS = ["base", "merged LoRA", "LoRA"] as const;
type Variant = typeof VARIANTS[number];

for (const engine of await testEngines()) {
  for (const name of listGolden("llama")) {
    const topic = `llama/${name}`;
    const title = (what: string) => `${what} of golden decoder ${name} ${formOf(engine)}`;

    for (const variant of VARIANTS) {
      Deno.test(title(`logits, loss and gradients (${variant})`), async () => {
        const given = readCase(topic);
        const { json, inputs } = given;
        const expected = readGolden(topic, "expected");
        const prefix = variant === "base" ? "base" : "lora";
        const want = (what: string) => goldenFloat64(expected, `${prefix}.${what}`);
        const batch: number = json.batch;
        const questions = Array.from({ length: batch }, (_, b) => [
          questionOf(
            row(goldenFloat64(inputs, "input_ids"), b, json.text_length_padded)
              .subarray(0, json.text_lengths[b]),
            row(goldenFloat64(inputs, "answer_mask"), b, json.text_length_padded)
              .subarray(0, json.text_lengths[b]),
          ),
        ]);
        const layout = layoutOf(given, questions, json.text_length_padded);
        const model = build(engine, given, variant, layout);
        const images = goldenFloat64(inputs, "image_embeds");

        const tokens = json.image_tokens + json.text_length_padded;
        const valid = goldenFloat64(inputs, "valid_mask");
        const logits = (await allLogits(model, images, questions))
          .map((value, i) => valid[Math.floor(i / layout.vocabulary)] ? value : 0);
        assert.equal(logits.length, batch * tokens * layout.vocabulary);
        assertClose(logits, want("logits"), goldenTolerance(json, "logits"), "logits");

        const { loss, answerTokens, gradients } = await lossAndGradients(model, images, questions);
        assert.equal(answerTokens, json.answer_tokens);
        assertClose([loss], want("loss"), goldenTolerance(json, "loss"), "loss");
        if (variant === "merged LoRA") addLoraGradients(gradients, given);
        assertGradients(gradients, expected, `${prefix}.grad.`, json);
        destroy(model);
      });
    }

    for (const variant of VARIANTS.slice(1)) {
      Deno.test(title(`packed questions (${variant})`), async () => {
        const given = readCase(topic);
        const { json, inputs } = given;
        const expected = readGolden(topic, "expected_packed");
        const questions = [packedQuestions(inputs, json.packed_lengths.length)];
        const layout = layoutOf(given, questions, Math.max(...json.packed_lengths));
        const model = build(engine, given, variant, layout);
        const images = goldenFloat64(inputs, "packed.image_embeds");

        const logits = await allLogits(model, images, questions);
        const blocks = json.packed_lengths.flatMap((length: number, q: number) =>
          Array.from({ length }, (_, t) => layout.prefix + q * layout.block + t)
        );
        const rows = [...Array.from({ length: layout.prefix }, (_, i) => i), ...blocks];
        assertClose(
          rows.flatMap((index) => [...row(logits, index, layout.vocabulary)]),
          goldenFloat64(expected, "logits"),
          goldenTolerance(json, "logits"),
          "logits",
        );
        for (const reduction of ["sum", "token_mean"]) {
          const scale = reduction === "sum" ? 1 : undefined;
          const { loss, gradients } = await lossAndGradients(model, images, questions, scale);
          const wanted = goldenFloat64(expected, `loss_${reduction}`);
          assertClose([loss], wanted, goldenTolerance(json, "loss"), `loss_${reduction}`);
          if (variant === "merged LoRA") addLoraGradients(gradients, given);
          for (const { name } of llamaSpecs(given.config)) gradients.delete(name);
          assertGradients(gradients, expected, `grad_${reduction}.`, json);
        }
        destroy(model);
      });
    }

    Deno.test(title("greedy answer beside another question"), async () => {
      const given = readCase(topic);
      const { json, inputs } = given;
      const ids = goldenTensor(readGolden(topic, "expected_packed"), "greedy_ids").data;
      const questions = [
        packedQuestions(inputs, json.packed_lengths.length)
          .map(({ prompt, answer }) => ({ prompt: [...prompt, ...answer], answer: [] })),
      ];
      const block = Math.max(...json.packed_lengths) + ids.length;
      const layout = { ...layoutOf(given, questions, block), answers: ids.length };
      const model = build(engine, given, "merged LoRA", layout);
      const packed = packBatch(questions.map((own, image) => ({ image, questions: own })), layout);
      writeBatch(
        model,
        Float32Array.from(goldenFloat64(inputs, "packed.image_embeds")),
        packed,
      );
      const questioner = compileQuestioner(model);
      // Asked twice: the first answers must not stay in the cache.
      for (let time = 0; time < 2; time++) {
        const { tokens } = await questioner.ask(packed, ids.length);
        assert.deepEqual(tokens.map(([first]) => first), [...ids]);
      }
      questioner.destroy();
      destroyModel(model);
    });
  }
}

/** The golden decoder as a model, with its adapters where they stand beside the weights. */
type GoldenModel = MultimodalModel & { adapters?: { set: AdapterSet; lora: LoraConfig } };

interface Case {
  // deno-lint-ignore no-explicit-any -- as the golden file has it
  json: any;
  config: LlamaConfig;
  inputs: Golden;
  base: Weights;
  adapter: Weights;
  rank: number;
  factor: number;
  lora: LoraConfig;
}

function readCase(topic: string): Case {
  const weightsOf = (file: string): Weights => {
    const golden = readGolden(topic, file);
    return new Map([...golden.tensors.keys()].map((name) => [name, goldenFloat64(golden, name)]));
  };
  const { r: rank, lora_alpha: alpha, target_modules: targets } =
    readGolden(topic, "adapter_config").json;
  return {
    json: readGolden(topic, "case").json,
    config: readGolden(topic, "config").json,
    inputs: readGolden(topic, "inputs"),
    base: weightsOf("model"),
    adapter: weightsOf("adapter_model"),
    rank,
    factor: alpha / rank,
    lora: { rank, alpha, dropout: 0, targets },
  };
}

/** Splits a text before its answer, which stands at its end. */
function questionOf(ids: Float64Array, answerMask: Float64Array): EncodedQuestion {
  const start = answerMask.indexOf(1);
  assert.ok(start > 0 && answerMask.subarray(start).every(Boolean), "the answer ends the text");
  return { prompt: [...ids.subarray(0, start)], answer: [...ids.subarray(start)] };
}

function packedQuestions(inputs: Golden, count: number): EncodedQuestion[] {
  return Array.from({ length: count }, (_, q) =>
    questionOf(
      goldenFloat64(inputs, `packed.question${q}_ids`),
      goldenFloat64(inputs, `packed.question${q}_answer_mask`),
    ));
}

function layoutOf(
  { json, config }: Case,
  questions: EncodedQuestion[][],
  block: number,
): PackingLayout {
  return {
    batch: questions.length,
    prefix: json.image_tokens,
    blocks: questions[0].length,
    block,
    answers: Math.max(...questions.flat().map(({ answer }) => answer.length)),
    vocabulary: config.vocab_size,
    pad: 0,
  };
}

/** The golden decoder behind a connector that changes nothing. */
function build(
  engine: Engine,
  { config, base, adapter, rank, factor, lora }: Case,
  variant: Variant,
  layout: PackingLayout,
): GoldenModel {
  const model = createModel(engine, {
    connector: "identity",
    objective: OBJECTIVES.none,
    decoder: config,
    visionWidth: config.hidden_size,
    projectorWidth: 0,
    layout,
    seed: 0,
  });
  const weights = variant === "merged LoRA" ? mergeLora(base, adapter, rank, factor) : base;
  const checkpoint = new Map(
    llamaSpecs(config).map(({ name, rows, columns }) => [
      name,
      { rows, columns, data: Float32Array.from(weights.get(name)!) },
    ]),
  );
  const packed = packLlama(config, checkpoint);
  for (const { name, tensor } of model.decoder) {
    writeMatrix(engine.device, tensor.matrix!, packed.get(name)!.data);
  }
  model.inputs.images.needsGradient = true;
  if (variant !== "LoRA") return model;
  const pairs = new Map(
    loraSpecs(config, lora).map(({ name, rows, columns }) => [
      name,
      { rows, columns, data: Float32Array.from(adapter.get(name)!) },
    ]),
  );
  return { ...model, adapters: { set: createAdapters(engine, config, lora, pairs), lora } };
}

function destroy(model: GoldenModel): void {
  if (model.adapters) freeAdapters(model.engine, model.adapters.set);
  destroyModel(model);
}

function upload(model: MultimodalModel, images: Float64Array, questions: EncodedQuestion[][]) {
  const entries = questions.map((own, image) => ({ image, questions: own }));
  const packed = packBatch(entries, model.config.layout);
  writeBatch(model, Float32Array.from(images), packed);
  return packed;
}

function traceLayers(tape: Tape, { config, decoder, inputs, adapters }: GoldenModel) {
  const weights = new Map(decoder.map(({ name, tensor }) => [name, tensor]));
  const rows = config.layout.batch * sequenceLength(config.layout);
  const table = weights.get("model.embed_tokens.weight")!;
  const x = embedding(tape, table, inputs.images, inputs.index, rows);
  const turn = { table: inputs.ropeTable, positions: inputs.positions };
  const { output } = llamaLayers(
    tape,
    config.decoder,
    weights,
    x,
    turn,
    config.layout,
    adapters && tracedAdapters(adapters.set),
  );
  return { output, weights };
}

/** Logits at every position; whole texts are read, their answers included. */
async function allLogits(
  model: GoldenModel,
  images: Float64Array,
  questions: EncodedQuestion[][],
): Promise<Float32Array> {
  const read = ({ prompt, answer }: EncodedQuestion) => ({
    prompt: [...prompt, ...answer],
    answer: [],
  });
  upload(model, images, questions.map((own) => own.map(read)));
  const { logits } = await runOnce(model.engine, (tape) => {
    const { output, weights } = traceLayers(tape, model);
    return { logits: llamaHead(tape, model.config.decoder, weights, output) };
  });
  return logits;
}

/** Loss of the answers, a mean over their tokens unless scaled otherwise, and its gradients. */
async function lossAndGradients(
  model: GoldenModel,
  images: Float64Array,
  questions: EncodedQuestion[][],
  scale?: number,
) {
  const { engine, decoder, inputs, adapters, config: { decoder: config, layout } } = model;
  const beside = adapters?.set.parameters ?? [];
  const { answerTokens } = upload(model, images, questions);
  const tokenScale = scale ?? 1 / answerTokens;
  const { loss, ...read } = await runOnce(engine, (tape) => {
    const { output, weights } = traceLayers(tape, model);
    const answers = gatherRows(tape, output, layout.batch * layout.blocks * layout.answers, {
      rowsOf: inputs.answerRows,
      inverse: inputs.answerOfRow,
    });
    const loss = crossEntropy(tape, llamaHead(tape, config, weights, answers), inputs.labels);
    tape.backward();
    const trained: (readonly [string, Tensor])[] = [
      ...weights,
      ...beside.map(({ name, tensor }) => [name, tensor] as const),
      ["image_embeds", inputs.images],
    ];
    const gradients = trained.map(([name, tensor]) => [name, tape.gradientOf(tensor)]);
    return { loss, ...Object.fromEntries(gradients) };
  }, { tokenScale });
  const matrices = new Map(
    [...decoder, ...beside].map(({ name, tensor: { rows, columns } }): [string, MatrixValues] => [
      name,
      { rows, columns, data: read[name] },
    ]),
  );
  const gradients = new Map<string, ArrayLike<number>>(
    [
      ...unpackLlama(config, matrices),
      ...(adapters ? unpackAdapters(config, adapters.lora, matrices) : []),
    ].map(([name, { data }]) => [name, data]),
  );
  gradients.set("image_embeds", read["image_embeds"]);
  const total = takeColumns(loss, 4, 0, 1).reduce((sum, value) => sum + value, 0);
  return { loss: total * tokenScale, answerTokens, gradients };
}

function addLoraGradients(
  gradients: Map<string, ArrayLike<number>>,
  { adapter, rank, factor }: Case,
): void {
  for (const [name, gradient] of loraGradients(gradients, adapter, rank, factor)) {
    gradients.set(name, gradient);
  }
}

/** Compares each golden gradient under this prefix; none may be missing on either side. */
function assertGradients(
  gradients: Map<string, ArrayLike<number>>,
  expected: Golden,
  prefix: string,
  json: Golden["json"],
): void {
  const names = [...expected.tensors.keys()].filter((name) => name.startsWith(prefix));
  assert.deepEqual([...gradients.keys()].map((name) => `${prefix}${name}`).sort(), names.sort());
  for (const [name, gradient] of gradients) {
    const want = goldenFloat64(expected, `${prefix}${name}`);
    assertClose(gradient, want, goldenTolerance(json, "grad"), `${prefix}${name}`);
  }
}
