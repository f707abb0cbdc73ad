/**
 * Products on tiles in workgroup memory against the float64 reference, in float32 and float16, and
 * a training step made of them against the step on register blocks.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { packBatch } from "../data/packing.ts";
import { createEngine, type Engine } from "../gpu/engine.ts";
import { kernelVariant } from "../gpu/kernel.ts";
import { readMatrix } from "../gpu/memory.ts";
import { defaultPlan, type KernelPlan, type ProductBlock, tileBytes } from "../gpu/plan.ts";
import { bandTensor, freeTensor, type Tensor } from "../gpu/tensor.ts";
import {
  createModel,
  destroyModel,
  type MultimodalConfig,
  writeBatch,
} from "../models/multimodal.ts";
import { compileTrainingStep } from "../models/training_step.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import { gelu, geluBackward } from "../reference/gelu.ts";
import { joinHeads } from "../reference/heads.ts";
import { linear } from "../reference/linear.ts";
import { matmul, type MatmulForm, type MatmulSize } from "../reference/matmul.ts";
import { randomValues } from "../reference/random_values.ts";
import { rope } from "../reference/rope.ts";
import { swiglu, swigluBackward } from "../reference/swiglu.ts";
import { add } from "../reference/values.ts";
import { formOf, runOnce, testEngines, upload, uploadInts } from "../testing/gpu.ts";
import { assertClose, type Tolerance } from "../testing/tolerance.ts";
import { matmulNN, matmulNT, matmulTN } from "./matmul.ts";
import type { Activation } from "./producer.ts";
import { ropeTable } from "./rope.ts";
import { createTape, type Tape } from "./tape.ts";

const FLOAT32: Tolerance = { rtol: 1e-5, atol: 1e-6 };
/** Four roundings of a factor to 11 bits. */
const FLOAT16: Tolerance = { rtol: 2e-3, atol: 0 };

const PRODUCTS = { NT: matmulNT, NN: matmulNN, TN: matmulTN };
const LANES = 64;

/** Several groups of rows a lane, and several groups of columns; the default block has one of each. */
const TALL: ProductBlock = { rows: 8, texels: 1, across: 16, tile: { depth: 16, half: false } };
const WIDE: ProductBlock = { rows: 4, texels: 4, across: 4, tile: { depth: 8, half: false } };

const halved = (block: ProductBlock): ProductBlock => ({
  ...block,
  tile: { ...block.tile!, half: true },
});

const planOf = (engine: Engine, block: ProductBlock): KernelPlan => ({
  form: engine.plan.form,
  lanes: LANES,
  blocks: { nt: [block], nn: [block], tn: [block] },
  shapes: {},
});

const withBlock = (engine: Engine, block: ProductBlock): Engine =>
  createEngine(engine.device, planOf(engine, block));

/** Float16 is optional in WebGPU: without it there is only the refusal to test. */
const engines = await testEngines();
const ignore = !engines[0].device.features.has("shader-f16");

for (const engine of engines) {
  const on = formOf(engine);
  const tall = withBlock(engine, TALL);
  const wide = withBlock(engine, WIDE);
  const half = withBlock(engine, halved(TALL));

  for (const [name, tiled] of Object.entries({ tall, wide })) {
    Deno.test(`products of any size on ${name} tiles agree with the reference ${on}`, () =>
      assertAnySize(tiled, (values) => values));
  }

  Deno.test({
    name: `float16 tiles give float32 sums of what float16 can hold ${on}`,
    ignore,
    fn: () => assertAnySize(half, (values) => Float64Array.from(new Float16Array(values))),
  });

  Deno.test({ name: `float16 tiles round their factors ${on}`, ignore }, async () => {
    const size = { m: 45, k: 67, n: 70 };
    for (const form of ["NT", "NN", "TN"] as const) {
      const { c, expected } = await productOf(half, form, size, (values) => values);
      assertClose(c, expected, FLOAT16, form);
      assert.throws(() => assertClose(c, expected, FLOAT32, form), /off by/);
    }
  });

  for (const [name, assertEpilogue] of Object.entries(epilogues())) {
    Deno.test(`a product on tiles with ${name} agrees with the reference ${on}`, () =>
      assertEpilogue(wide));
  }
}

Deno.test("a training step on tiles has the gradients of one on register blocks", async () => {
  const [, buffer] = engines;
  const blocks = await stepOf(createEngine(buffer.device, defaultPlan("buffer", true)));
  const tiled = await stepOf(createEngine(buffer.device, defaultPlan("buffer", false)));
  assert.deepEqual([...tiled.gradients.keys()], [...blocks.gradients.keys()]);
  assertClose(tiled.losses, blocks.losses, FLOAT32, "losses");
  for (const [name, gradient] of blocks.gradients) {
    assertClose(tiled.gradients.get(name)!, gradient, { rtol: 1e-4, atol: 1e-7 }, name);
  }
  // Not the same program twice: sums in another order round to other numbers.
  assert.notDeepEqual(tiled, blocks);
});

Deno.test("default tiles are float32 and fit in the workgroup memory that every GPU has", () => {
  const { blocks, lanes } = defaultPlan("buffer", false);
  for (const block of Object.values(blocks).flat()) {
    assert.equal(block.tile?.half, false);
    // SwiGLU widens a block to gate and up.
    assert.ok(tileBytes({ ...block, texels: Math.max(2, block.texels) }, lanes) <= 16384);
  }
  assert.equal(tileBytes(TALL, LANES), (32 + 64) * 16 * 4);
  assert.equal(tileBytes(halved(WIDE), LANES), (64 + 64) * 8 * 2);
  for (const block of Object.values(defaultPlan("image", true).blocks).flat()) {
    assert.equal(tileBytes(block, 8), 0);
  }
});

Deno.test("float16 tiles are refused on a device without float16", () => {
  const device = { features: new Set() } as unknown as GPUDevice;
  const plan = planOf(engines[0], halved(TALL));
  assert.throws(
    () => kernelVariant(device, new Map(), plan, "matmul_tile_nt", { HALF: 1 }, {}),
    {
      name: "RangeError",
      message:
        "Cannot make pipeline: matmul_tile_nt keeps tiles in float16, which the device does not offer",
    },
  );
});

Deno.test("tiles that no kernel can have are refused", () => {
  const [engine] = engines;
  const matrix: Tensor = { name: "a", rows: 8, columns: 8, width4: 2, needsGradient: false };
  const trace = (block: ProductBlock) =>
    matmulNT(createTape(withBlock(engine, block)), matrix, matrix);
  const { maxComputeWorkgroupStorageSize: limit } = engine.device.limits;
  assert.throws(() => trace({ ...TALL, rows: 6 }), {
    name: "RangeError",
    message: "Cannot trace product nt: tiles take rows and depth in fours, not 6 and 16",
  });
  assert.throws(() => trace({ ...TALL, tile: { depth: 18, half: false } }), /not 8 and 18/);
  assert.throws(() => trace({ ...TALL, tile: { depth: limit, half: false } }), {
    name: "RangeError",
    message: `Cannot trace product nt: tiles take ${
      4 * 96 * limit
    } bytes, and the device has ${limit}`,
  });
});

/** Compares products of all orders and random sizes with the reference. */
function assertAnySize(
  engine: Engine,
  round: (values: Float64Array) => Float64Array,
): Promise<void> {
  const length = fc.integer({ min: 1, max: 100 });
  return fc.assert(
    fc.asyncProperty(fc.record({ m: length, k: length, n: length }), async (size) => {
      for (const form of ["NT", "NN", "TN"] as const) {
        const { c, expected } = await productOf(engine, form, size, round);
        assertClose(c, expected, FLOAT32, `${form} ${size.m} x ${size.k} x ${size.n}`);
      }
    }),
    { numRuns: 5, endOnFailure: true },
  );
}

/** A product with something added to it, beside the reference. */
async function productOf(
  engine: Engine,
  form: MatmulForm,
  size: MatmulSize,
  round: (values: Float64Array) => Float64Array,
): Promise<{ c: Float32Array; expected: Float64Array }> {
  const { m, k, n } = size;
  const [a, b, base] = [m * k, k * n, m * n].map((length, seed) =>
    round(randomValues(seed, length))
  );
  const inputs = {
    a: matrix(form === "TN" ? k : m, form === "TN" ? m : k, a),
    b: matrix(form === "NT" ? n : k, form === "NT" ? k : n, b),
    base: matrix(m, n, base),
  };
  const { c } = await withInputs(engine, inputs, (tape, { a, b, base }) => ({
    c: PRODUCTS[form](tape, a, b, { base }),
  }));
  return { c, expected: add(matmul(form, a, b, size), base) };
}

interface Matrix {
  rows: number;
  columns: number;
  values: ArrayLike<number>;
}

function matrix(rows: number, columns: number, values: ArrayLike<number>): Matrix {
  return { rows, columns, values };
}

/**
 * Runs a trace on inputs that lie between rows of NaN in the same memory: past the edge of a tile
 * there may be anything.
 */
async function withInputs<Name extends string>(
  engine: Engine,
  inputs: Record<Name, Matrix>,
  trace: (tape: Tape, tensors: Record<Name, Tensor>) => Record<string, Tensor>,
): Promise<Record<string, Float32Array>> {
  const margin = 24;
  const around = Object.entries<Matrix>(inputs).map(([name, { rows, columns, values }]) => {
    const nothing = Array(margin * columns).fill(NaN);
    const shape = { rows: rows + 2 * margin, columns };
    return upload(engine, name, shape, [...nothing, ...Array.from(values), ...nothing]);
  });
  const tensors = Object.fromEntries(
    around.map((tensor) => [
      tensor.name,
      bandTensor(tensor, tensor.name, margin, tensor.rows - 2 * margin),
    ]),
  ) as Record<Name, Tensor>;
  const read = await runOnce(engine, (tape) => trace(tape, tensors));
  for (const tensor of around) freeTensor(engine, tensor);
  return read;
}

type Assertion = (engine: Engine) => Promise<void>;

/** What can happen to a product before it is stored, over several tiles in each direction. */
function epilogues(): Record<string, Assertion> {
  // Rows and inner indices that no tile divides; 36 columns of gate and 36 of up.
  const m = 37;
  const k = 21;
  const n = 72;
  const GELU: Activation = { kind: "gelu", form: "exact" };
  const SWIGLU: Activation = { kind: "swiglu" };
  const a = randomValues(1, m * k);
  const b = randomValues(2, n * k);
  const bias = randomValues(3, n);
  // What the gradients flow through has another width: dy (m, k) times weight (k, width).
  const half = n / 2;
  const weight = randomValues(4, k * half);
  const dy = a;

  const columnsOf = (values: ArrayLike<number>, first: number) =>
    Float64Array.from(
      { length: m * half },
      (_, i) => values[Math.floor(i / half) * n + first + i % half],
    );
  const sideBySide = (left: Float64Array, right: Float64Array) =>
    Float64Array.from({ length: m * n }, (_, i) => {
      const [row, column] = [Math.floor(i / n), i % n];
      return column < half ? left[row * half + column] : right[row * half + column - half];
    });

  return {
    "bias and GELU": async (engine) => {
      // A width that is no multiple of four: what lies past it must stay zero.
      const columns = n - 1;
      const pre = linear(a, b.subarray(0, columns * k), bias.subarray(0, columns), k);
      const inputs = {
        a: matrix(m, k, a),
        b: matrix(columns, k, b.subarray(0, columns * k)),
        bias: matrix(1, columns, bias.subarray(0, columns)),
      };
      const read = await withInputs(engine, inputs, (tape, { a, b, bias }) => {
        const pre = tape.tensor("pre", m, columns);
        return { y: matmulNT(tape, a, b, { bias, producer: { pre, activation: GELU } }), pre };
      });
      assertClose(read.pre, pre, FLOAT32, "before GELU");
      assertClose(read.y, gelu(pre), FLOAT32, "GELU");
    },
    "SwiGLU": async (engine) => {
      const pre = linear(a, b, null, k);
      const inputs = { a: matrix(m, k, a), b: matrix(n, k, b) };
      const read = await withInputs(engine, inputs, (tape, { a, b }) => {
        const pre = tape.tensor("pre", m, n);
        return { y: matmulNT(tape, a, b, { producer: { pre, activation: SWIGLU } }), pre };
      });
      assertClose(read.pre, pre, FLOAT32, "gate and up");
      assertClose(read.y, swiglu(columnsOf(pre, 0), columnsOf(pre, half)), FLOAT32, "SwiGLU");
    },
    "a rotation": async (engine) => {
      const layout = { heads: 7, kvHeads: 1, headDim: 8, headWidth: 8 };
      const theta = 100;
      const positions = Array.from({ length: m }, (_, row) => (5 * row) % 11);
      // Heads after one another with pairs (i, i + 4), and the value head as it is.
      const size = { batch: 1, heads: 9, tokens: m };
      const outside = randomValues(5, 9 * m * 8);
      const turned = rope(outside.subarray(0, 8 * m * 8), positions, { headDim: 8, theta });
      const expected = joinHeads(
        [...turned, ...outside.subarray(8 * m * 8)],
        size,
        layout,
        "halves",
      );
      // The product with a unit matrix is what is turned.
      const unit = Float64Array.from({ length: n * n }, (_, i) => i % (n + 1) === 0 ? 1 : 0);
      const inputs = {
        a: matrix(m, n, joinHeads(outside, size, layout, "halves")),
        unit: matrix(n, n, unit),
        table: matrix(11, 8, ropeTable(11, layout, theta)),
      };
      const { y } = await withInputs(engine, inputs, (tape, { a, unit, table }) => {
        const rotation = { table, positions: uploadInts(engine, positions), heads: layout };
        const activation: Activation = { kind: "rotation", rotation };
        const producer = { pre: tape.tensor("unused", m, n), activation };
        return { y: matmulNT(tape, a, unit, { producer }) };
      });
      assertClose(y, expected, FLOAT32, "rotation");
    },
    "the gradient of GELU, and what was gathered before": async (engine) => {
      const columns = half - 1;
      const narrow = weight.subarray(0, k * columns);
      const pre = randomValues(6, m * columns, 3);
      const base = randomValues(7, m * columns);
      const product = matmul("NN", dy, narrow, { m, k, n: columns });
      const inputs = {
        dy: matrix(m, k, dy),
        weight: matrix(k, columns, narrow),
        pre: matrix(m, columns, pre),
        base: matrix(m, columns, base),
      };
      const { dpre } = await withInputs(engine, inputs, (tape, { dy, weight, pre, base }) => ({
        dpre: matmulNN(tape, dy, weight, { base, source: { pre, activation: GELU } }),
      }));
      assertClose(dpre, add(geluBackward(pre, product), base), FLOAT32, "gradient");
    },
    "the gradient of SwiGLU, and what was gathered before": async (engine) => {
      const pre = randomValues(6, m * n, 3);
      const base = randomValues(7, m * n);
      const product = matmul("NN", dy, weight, { m, k, n: half });
      const { gradGate, gradUp } = swigluBackward(
        columnsOf(pre, 0),
        columnsOf(pre, half),
        product,
      );
      const expected = sideBySide(gradGate, gradUp);
      const inputs = {
        dy: matrix(m, k, dy),
        weight: matrix(k, half, weight),
        pre: matrix(m, n, pre),
        base: matrix(m, n, base),
      };
      const read = await withInputs(engine, inputs, (tape, { dy, weight, pre, base }) => {
        const source = { pre, activation: SWIGLU };
        return {
          dpre: matmulNN(tape, dy, weight, { source }),
          sum: matmulNN(tape, dy, weight, { source, base }),
        };
      });
      assertClose(read.dpre, expected, FLOAT32, "gradient");
      assertClose(read.sum, add(expected, base), FLOAT32, "gradient with base");
    },
  };
}

/** Losses and gradients of one training step: with beta1 = 0 the first moment is the gradient. */
async function stepOf(engine: Engine) {
  const config: MultimodalConfig = {
    connector: "mlp",
    objective: OBJECTIVES["self-distillation"],
    decoder: {
      vocab_size: 37,
      hidden_size: 42,
      intermediate_size: 50,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 10,
      rms_norm_eps: 1e-5,
      rope_theta: 10_000,
      tie_word_embeddings: true,
    },
    visionWidth: 23,
    projectorWidth: 35,
    layout: { batch: 2, prefix: 9, blocks: 2, block: 7, answers: 3, vocabulary: 37, pad: 0 },
    seed: 5,
  };
  const { batch, prefix } = config.layout;
  const model = createModel(engine, config);
  const optimizer = { beta1: 0, beta2: 0.98, eps: 1e-8, weightDecay: 0, clip: 0 };
  const step = compileTrainingStep(model, optimizer);
  const packed = packBatch([
    { image: 0, questions: [{ prompt: [3, 1, 4], answer: [9, 2] }, { prompt: [6], answer: [5] }] },
    { image: 1, questions: [{ prompt: [30, 12, 11, 4], answer: [10, 36, 2] }] },
  ], config.layout);
  const images = randomValues(1, batch * prefix * config.visionWidth, 2);
  writeBatch(model, Float32Array.from(images), packed);
  step.run(0, { learningRate: [0, 0], tokenScale: 1 / packed.answerTokens, lambda: 0.7 });
  const [{ tokenLoss, cosineLoss, gradientNorm }] = await step.readLosses();
  const gradients = new Map<string, Float32Array>();
  for (const [name, { m }] of step.moments) {
    gradients.set(name, await readMatrix(engine.device, m.matrix!));
  }
  step.destroy();
  destroyModel(model);
  return { losses: [tokenLoss, cosineLoss!, gradientNorm], gradients };
}
