/**
 * Adapters of every projection of a tiny decoder whose heads, gate and up are padded: against the
 * float64 reference with the adapters merged in, and what training them must leave alone.
 */
import assert from "node:assert/strict";
import type { Command } from "../gpu/command.ts";
import { type Engine, writeStep } from "../gpu/engine.ts";
import { KERNELS } from "../gpu/kernel_files.ts";
import { createArray, readMatrix } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor, type Tensor } from "../gpu/tensor.ts";
import { traceAdamW } from "../nn/adamw.ts";
import { LORA_TARGETS, type LoraConfig } from "../nn/lora.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { createParameters, freeParameters, type Parameter } from "../nn/parameters.ts";
import { causal } from "../reference/attention.ts";
import { llama } from "../reference/llama.ts";
import { loraGradients, mergeLora, type Weights } from "../reference/lora.ts";
import { randomValues } from "../reference/random_values.ts";
import { dot } from "../reference/values.ts";
import { sequencePositions } from "../tensor/attention.ts";
import { ropeTable } from "../tensor/rope.ts";
import { createTape, type Tape } from "../tensor/tape.ts";
import { assertGradient } from "../testing/finite_difference.ts";
import { backwardFrom, formOf, runOnce, testEngines, upload, uploadInts } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { llamaDecodeLayers, llamaHead, llamaLayers } from "./llama.ts";
import {
  type AdapterSet,
  createAdapters,
  freeAdapters,
  loraSpecs,
  packAdapters,
  readAdapters,
  tracedAdapters,
  unpackAdapters,
} from "./llama_adapters.ts";
import { headLayout } from "./llama_config.ts";
import { llamaSpecs, packLlama } from "./llama_weights.ts";

const CONFIG = {
  vocab_size: 11,
  hidden_size: 10,
  intermediate_size: 14,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 6,
  rms_norm_eps: 1e-5,
  rope_theta: 100,
  tie_word_embeddings: false,
};

/** One sequence, all of it images: a prefix and one block are as causal as a text. */
const SEQUENCE = { batch: 1, prefix: 4, blocks: 1, block: 3 };
const TOKENS = 7;

const ALL: LoraConfig = { rank: 3, alpha: 6, dropout: 0, targets: LORA_TARGETS };
const FACTOR = ALL.alpha / ALL.rank;
const FLOAT32 = { rtol: 2e-5, atol: 1e-6 };

const BASE: Weights = new Map(
  llamaSpecs(CONFIG).map(({ name, rows, columns }, i) => [
    name,
    randomValues(i, rows * columns, 0.7),
  ]),
);
const X = randomValues(100, TOKENS * CONFIG.hidden_size);
const COTANGENT = randomValues(101, TOKENS * CONFIG.vocab_size);

/** Random adapters, or as they are at the start, when B is zero. */
function adaptersOf(lora: LoraConfig, zeroB = false): Map<string, MatrixValues> {
  return new Map(
    loraSpecs(CONFIG, lora).map(({ name, rows, columns }, i) => {
      const values = randomValues(200 + i, rows * columns, 0.5);
      const data = Float32Array.from(values, (value) => zeroB && rows > lora.rank ? 0 : value);
      return [name, { rows, columns, data }];
    }),
  );
}

const float64 = (matrices: ReadonlyMap<string, MatrixValues>): Weights =>
  new Map([...matrices].map(([name, { data }]) => [name, Float64Array.from(data)]));

/** The reference with the adapters merged into the weights. */
function reference(adapters: Weights) {
  return llama(mergeLora(BASE, adapters, ALL.rank, FACTOR), CONFIG, {
    imageEmbeds: X,
    ids: [],
    positions: Array.from({ length: TOKENS }, (_, i) => i),
    mask: causal,
  });
}

/** The tiny decoder on a device, frozen unless said otherwise. */
function build(engine: Engine, lora: LoraConfig, adapters: Map<string, MatrixValues>) {
  const checkpoint = new Map(
    llamaSpecs(CONFIG).map(({ name, rows, columns }) => [
      name,
      { rows, columns, data: Float32Array.from(BASE.get(name)!) },
    ]),
  );
  const base = createParameters(
    engine,
    [...packLlama(CONFIG, checkpoint)].map(([name, { rows, columns, data }]) => ({
      name,
      rows,
      columns,
      values: data,
      frozen: true,
    })),
  );
  const heads = headLayout(CONFIG);
  const table = ropeTable(TOKENS, heads, CONFIG.rope_theta);
  const shape = { rows: TOKENS, columns: CONFIG.hidden_size };
  return {
    base,
    weights: new Map(base.map(({ name, tensor }) => [name, tensor])),
    set: createAdapters(engine, CONFIG, lora, adapters),
    x: upload(engine, "x", shape, X),
    rope: {
      table: upload(engine, "rope", { rows: TOKENS, columns: heads.headWidth }, table),
      positions: uploadInts(engine, sequencePositions(SEQUENCE)),
    },
    dy: upload(engine, "dy", { rows: TOKENS, columns: CONFIG.vocab_size }, COTANGENT),
  };
}

type Tiny = ReturnType<typeof build>;

function destroy(engine: Engine, { base, set, x, rope, dy }: Tiny): void {
  freeParameters(engine, base);
  freeAdapters(engine, set);
  for (const tensor of [x, rope.table, dy]) freeTensor(engine, tensor);
  rope.positions.destroy();
}

function traceLogits(tape: Tape, { weights, x, rope, set }: Tiny, dropout?: number | "no LoRA") {
  const adapters = dropout === "no LoRA" ? undefined : tracedAdapters(set, dropout);
  const layers = llamaLayers(tape, CONFIG, weights, x, rope, SEQUENCE, adapters);
  return { ...layers, logits: llamaHead(tape, CONFIG, weights, layers.output) };
}

/** Logits, and the gradients by the adapters in PEFT's layout, of sum(logits * cotangent). */
async function run(engine: Engine, lora: LoraConfig, adapters: Map<string, MatrixValues>) {
  const tiny = build(engine, lora, adapters);
  const { logits, x, ...read } = await runOnce(engine, (tape) => {
    const { logits } = traceLogits(tape, tiny);
    backwardFrom(tape, logits, tiny.dy);
    const gradients = tiny.set.parameters.map((
      { name, tensor },
    ) => [name, tape.gradientOf(tensor)]);
    return { logits, x: tape.gradientOf(tiny.x), ...Object.fromEntries(gradients) };
  });
  const matrices = new Map(
    tiny.set.parameters.map(({ name, tensor: { rows, columns } }) => [
      name,
      { rows, columns, data: read[name] },
    ]),
  );
  destroy(engine, tiny);
  return { logits, x, gradients: unpackAdapters(CONFIG, lora, matrices) };
}

/** Tensors that a command writes. */
const written = ({ kernel, matrices }: Command): Tensor[] =>
  KERNELS.get(kernel)!.operands
    .filter(({ role, name }) => (role === "write" || role === "state") && matrices[name])
    .map(({ name }) => matrices[name]);

for (const engine of await testEngines()) {
  Deno.test(`adapters of all projections act as if merged into the weights ${formOf(engine)}`, async () => {
    const adapters = adaptersOf(ALL);
    const { logits, x, gradients } = await run(engine, ALL, adapters);
    const expected = reference(float64(adapters));
    assertClose(logits, expected.logits, FLOAT32, "logits");
    const { gradImageEmbeds, gradients: merged } = expected.backward(COTANGENT);
    assertClose(x, gradImageEmbeds, FLOAT32, "gradient by x");
    const wanted = loraGradients(merged, float64(adapters), ALL.rank, FACTOR);
    assert.deepEqual([...gradients.keys()].sort(), [...wanted.keys()].sort());
    for (const [name, { data }] of gradients) assertClose(data, wanted.get(name)!, FLOAT32, name);
  });

  for (const target of LORA_TARGETS) {
    Deno.test(`adapters of ${target} have the gradients of finite differences ${formOf(engine)}`, async () => {
      const lora = { ...ALL, targets: [target] };
      const adapters = adaptersOf(lora);
      const { gradients } = await run(engine, lora, adapters);
      const given = float64(adapters);
      assert.equal(given.size, 2 * CONFIG.num_hidden_layers);
      for (const [name, values] of given) {
        assertGradient(
          (changed) => dot(reference(new Map(given).set(name, changed)).logits, COTANGENT),
          values,
          gradients.get(name)!.data,
          { ...FLOAT32, entries: 4 },
          name,
        );
      }
    });
  }

  Deno.test(`adapters whose B is zero change no bit, whatever is dropped ${formOf(engine)}`, async () => {
    const tiny = build(engine, ALL, adaptersOf(ALL, true));
    const read = await runOnce(engine, (tape) => ({
      base: traceLogits(tape, tiny, "no LoRA").logits,
      adapted: traceLogits(tape, tiny).logits,
      dropped: traceLogits(tape, tiny, 0.5).logits,
    }));
    assert.deepEqual(read.adapted, read.base);
    assert.deepEqual(read.dropped, read.base);
    destroy(engine, tiny);
  });

  Deno.test(`training adapters leaves a frozen decoder and what lies between the blocks alone ${formOf(engine)}`, async () => {
    const lora = { ...ALL, targets: ["q_proj", "v_proj", "up_proj"] } as const;
    const tiny = build(engine, lora, adaptersOf(lora));
    tiny.x.needsGradient = false;
    const values = (parameters: Parameter[]) =>
      Promise.all(parameters.map(({ tensor }) => readMatrix(engine.device, tensor.matrix!)));
    const before = await values([...tiny.base, ...tiny.set.parameters]);
    const tape = createTape(engine);
    backwardFrom(tape, traceLogits(tape, tiny, 0.3).logits, tiny.dy);
    for (const { name, tensor } of tiny.base) {
      assert.equal(tape.gradientOf(tensor), undefined, name);
    }
    const settings = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1 };
    const parameters = [...tiny.base, ...tiny.set.parameters];
    const ring = createArray(engine.device, 4);
    const optimizer = traceAdamW(
      tape,
      [{ parameters, settings, optimizerGroup: 0, clipGroup: 0, clip: 1 }],
      ring,
    );
    const trained = tiny.set.parameters.map(({ name }) => name);
    assert.deepEqual([...optimizer.moments.keys()].sort(), trained.toSorted());
    const frozen = new Set<unknown>(
      tiny.base.map(({ tensor: { matrix } }) => matrix!.texture ?? matrix!.buffer),
    );
    for (const command of tape.commands) {
      for (const { name, matrix } of written(command)) {
        const place = matrix?.texture ?? matrix?.buffer;
        assert.ok(!place || !frozen.has(place), `${command.kernel} writes ${name}`);
      }
    }
    const program = compileProgram(engine, tape.commands);
    for (let number = 0; number < 3; number++) {
      writeStep(engine, { learningRate: [0.05, 0], number, seed: 1 });
      program.run();
    }
    const after = await values([...tiny.base, ...tiny.set.parameters]);
    assert.deepEqual(after.slice(0, tiny.base.length), before.slice(0, tiny.base.length));
    // Packing what PEFT's layout holds brings back every element: outside the blocks are zeros.
    const packed = packAdapters(
      CONFIG,
      lora,
      await readAdapters(engine, CONFIG, lora, tiny.set),
    );
    tiny.set.parameters.forEach(({ name }, i) => {
      assert.deepEqual(packed.get(name)!.data, after[tiny.base.length + i], name);
      assert.notDeepEqual(after[tiny.base.length + i], before[tiny.base.length + i], name);
    });
    program.destroy();
    optimizer.destroy();
    ring.destroy();
    destroy(engine, tiny);
  });

  Deno.test(`dropout draws a mask a layer and part, anew each step, and none in evaluation ${formOf(engine)}`, async () => {
    const tiny = build(engine, ALL, adaptersOf(ALL));
    const logitsOf = async (rate: number | undefined, number: number) =>
      (await runOnce(
        engine,
        (tape) => ({ logits: traceLogits(tape, tiny, rate).logits }),
        { number, seed: 5 },
      )).logits;
    const first = await logitsOf(0.5, 3);
    assert.deepEqual(await logitsOf(0.5, 3), first);
    assert.notDeepEqual(await logitsOf(0.5, 4), first);
    const evaluated = await logitsOf(undefined, 3);
    assert.notDeepEqual(evaluated, first);
    assert.deepEqual(await logitsOf(undefined, 4), evaluated);

    const tape = createTape(engine);
    const { logits } = traceLogits(tape, tiny, 0.5);
    const sites = () =>
      tape.commands.filter(({ kernel }) => kernel === "dropout").map(({ sizes: { site } }) => site);
    const forward = sites();
    assert.deepEqual(forward, [0, 1, 2, 3, 4, 5, 6, 7]);
    backwardFrom(tape, logits, tiny.dy);
    assert.deepEqual(sites().slice(forward.length), forward.toReversed());
    destroy(engine, tiny);
  });

  Deno.test(`a decoded token sees the adapters too ${formOf(engine)}`, async () => {
    const tiny = build(engine, ALL, adaptersOf(ALL));
    const last = TOKENS - 1;
    const newToken = upload(
      engine,
      "new token",
      { rows: 1, columns: CONFIG.hidden_size },
      X.subarray(last * CONFIG.hidden_size),
    );
    const lengths = uploadInts(engine, [SEQUENCE.block - 1]);
    const positions = uploadInts(engine, [last]);
    const { output, decoded } = await runOnce(engine, (tape) => {
      const { output, caches } = traceLogits(tape, tiny);
      const decoded = llamaDecodeLayers(
        tape,
        CONFIG,
        tiny.weights,
        newToken,
        { table: tiny.rope.table, positions },
        { caches, lengths, sequence: SEQUENCE },
        tracedAdapters(tiny.set),
      );
      return { output, decoded };
    }, { slot: 1 });
    assertClose(decoded, output.subarray(last * CONFIG.hidden_size), FLOAT32, "decoded");
    freeTensor(engine, newToken);
    for (const buffer of [lengths, positions]) buffer.destroy();
    destroy(engine, tiny);
  });

  Deno.test(`adapters take their memory and give it back ${formOf(engine)}`, () => {
    const before = engine.memory.bytes;
    const sets: AdapterSet[] = [false, true].map((frozen) =>
      createAdapters(engine, CONFIG, ALL, adaptersOf(ALL), { frozen })
    );
    const needs = sets.map(({ parameters }) =>
      parameters.map(({ tensor }) => tensor.needsGradient)
    );
    assert.ok(needs[0].every(Boolean) && !needs[1].some(Boolean));
    assert.ok(sets.every(({ parameters }) => parameters.every(({ decay }) => decay)));
    for (const set of sets) freeAdapters(engine, set);
    assert.equal(engine.memory.bytes, before);
  });
}

Deno.test("A of the first adapters is uniform in 1 / sqrt(in), B zero", () => {
  const specs = loraSpecs(CONFIG, { ...ALL, targets: ["down_proj", "q_proj"] });
  assert.deepEqual(
    specs.slice(0, 4).map(({ name, rows, columns, initialisation }) => [
      name,
      rows,
      columns,
      initialisation,
    ]),
    [
      [
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
        3,
        10,
        { kind: "uniform", bound: 1 / Math.sqrt(10) },
      ],
      ["base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", 12, 3, { kind: "zeros" }],
      [
        "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight",
        3,
        14,
        { kind: "uniform", bound: 1 / Math.sqrt(14) },
      ],
      ["base_model.model.model.layers.0.mlp.down_proj.lora_B.weight", 10, 3, { kind: "zeros" }],
    ],
  );
});

Deno.test("adapters come back from the kernels' layout, and missing or mis-shaped ones are named", () => {
  const adapters = adaptersOf(ALL);
  assert.deepEqual(unpackAdapters(CONFIG, ALL, packAdapters(CONFIG, ALL, adapters)), adapters);
  const name = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight";
  const without = new Map(adapters);
  without.delete(name);
  assert.throws(() => packAdapters(CONFIG, ALL, without), {
    name: "RangeError",
    message: `Cannot load adapters: tensor "${name}" is missing`,
  });
  assert.throws(() => packAdapters(CONFIG, { ...ALL, rank: 2 }, adapters), {
    name: "RangeError",
    message: /^Cannot load adapters: tensor ".*" is 3 x 10, not 2 x 10$/,
  });
});
