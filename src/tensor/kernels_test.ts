/**
 * The kernels against the float64 reference where the golden values do not reach: random sizes,
 * epilogues, sums of gradients, packed questions, and matrices taller than a texture.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Engine } from "../gpu/engine.ts";
import { freeTensor, type Tensor } from "../gpu/tensor.ts";
import * as reference from "../reference/attention.ts";
import { cosineLoss as referenceCosine, cosineLossBackward } from "../reference/cosine.ts";
import { GELU, gelu, geluBackward } from "../reference/gelu.ts";
import { joinColumns, joinHeads, splitHeads, takeColumns } from "../reference/heads.ts";
import { layerNormBackward } from "../reference/layer_norm.ts";
import { linear as referenceLinear, linearBackward } from "../reference/linear.ts";
import { matmul, type MatmulForm, type MatmulSize } from "../reference/matmul.ts";
import { packQuestions } from "../reference/packing.ts";
import { addPositionsBackward } from "../reference/positions.ts";
import { randomValues } from "../reference/random_values.ts";
import { rmsNorm as referenceRmsNorm, rmsNormBackward } from "../reference/rms_norm.ts";
import { rope, ropeBackward } from "../reference/rope.ts";
import { swigluBackward } from "../reference/swiglu.ts";
import { unitRowsBackward } from "../reference/unit_rows.ts";
import { add, row } from "../reference/values.ts";
import {
  backwardFrom,
  formOf,
  identity,
  runOnce,
  testEngines,
  upload,
  uploadInts,
} from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { attention, type SequenceLayout, sequenceLength, sequencePositions } from "./attention.ts";
import { embedding, type EmbeddingIndex, gatherRows } from "./embedding.ts";
import type { HeadLayout } from "./heads.ts";
import { linear } from "./linear.ts";
import { cosineLoss } from "./losses.ts";
import { matmulNN, matmulNT, matmulTN } from "./matmul.ts";
import { layerNorm, rmsNorm } from "./norm.ts";
import { addPositions } from "./positions.ts";
import type { Activation } from "./producer.ts";
import { columnSum } from "./reduce.ts";
import { ropeTable, type Rotation } from "./rope.ts";
import { createTape, type Tape } from "./tape.ts";
import { unitRows } from "./unit_rows.ts";

/** About fifty times what float32 loses over the sums here. */
const FLOAT32 = { rtol: 1e-5, atol: 1e-6 };

const PRODUCTS = { NT: matmulNT, NN: matmulNN, TN: matmulTN };

/** An operation with the reference's gradients for a cotangent of its output. */
interface Operation {
  /** Shapes of the inputs that give an output of this shape. */
  shapes(output: Shape): Record<string, Shape>;
  trace(tape: Tape, inputs: Record<string, Tensor>): Tensor;
  gradients(
    inputs: Record<string, Float64Array>,
    cotangent: Float64Array,
  ): Record<string, Float64Array>;
}

interface Shape {
  rows: number;
  columns: number;
}

/** Draws the named inputs, each (rows, columns), the same numbers every time. */
function draw(shapes: Record<string, Shape>): Record<string, Float64Array> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, { rows, columns }], index) => [
      name,
      randomValues(50 + index, rows * columns),
    ]),
  );
}

const EPS = 1e-5;
const SOURCES = Array.from({ length: 70 }, (_, row) => row < 3 ? -1 - row : (row * row) % 7);
// Every row of the result reads another row of x; the first five are read by none.
const READ = Array.from({ length: 70 }, (_, row) => 5 + (row * 3) % 70);

/** Operations whose gradients are added to what has been gathered, in one kernel. */
const TWICE: Record<string, Operation> = {
  "a linear map": {
    shapes: ({ rows, columns }) => ({
      x: { rows, columns: 11 },
      weight: { rows: columns, columns: 11 },
      bias: { rows: 1, columns },
    }),
    trace: (tape, { x, weight, bias }) => linear(tape, x, weight, { bias }),
    gradients({ x, weight }, cotangent) {
      const { gradX, gradWeight, gradBias } = linearBackward(x, weight, cotangent, 11);
      return { x: gradX, weight: gradWeight, bias: gradBias };
    },
  },
  "the RMS norm": {
    shapes: (shape) => ({ x: shape, weight: { rows: 1, columns: shape.columns } }),
    trace: (tape, { x, weight }) => rmsNorm(tape, x, weight, EPS),
    gradients({ x, weight }, cotangent) {
      const { gradX, gradWeight } = rmsNormBackward(x, weight, cotangent, EPS);
      return { x: gradX, weight: gradWeight };
    },
  },
  "the layer norm": {
    shapes: (shape) => ({
      x: shape,
      weight: { rows: 1, columns: shape.columns },
      bias: { rows: 1, columns: shape.columns },
    }),
    trace: (tape, { x, weight, bias }) => layerNorm(tape, x, weight, bias, EPS),
    gradients({ x, weight }, cotangent) {
      const { gradX, gradWeight, gradBias } = layerNormBackward(x, weight, cotangent, EPS);
      return { x: gradX, weight: gradWeight, bias: gradBias };
    },
  },
  "gathered rows": {
    shapes: ({ rows, columns }) => ({ x: { rows: rows + 5, columns } }),
    trace: (tape, { x }) =>
      gatherRows(tape, x, READ.length, {
        rowsOf: uploadInts(tape.engine, READ),
        inverse: uploadInts(
          tape.engine,
          Array.from({ length: x.rows }, (_, row) => READ.indexOf(row)),
        ),
      }),
    gradients({ x }, cotangent) {
      const columns = cotangent.length / READ.length;
      const gradient = new Float64Array(x.length);
      READ.forEach((from, row) =>
        gradient.set(cotangent.subarray(row * columns, (row + 1) * columns), from * columns)
      );
      return { x: gradient };
    },
  },
  "learned positions": {
    shapes: (shape) => ({ x: shape, table: { rows: 16, columns: shape.columns } }),
    trace: (tape, { x, table }) => addPositions(tape, x, table, 14),
    gradients: ({ table }, cotangent) => ({
      x: cotangent,
      table: addPositionsBackward(cotangent, {
        positions: 16,
        period: 14,
        width: table.length / 16,
      }),
    }),
  },
  "unit rows": {
    shapes: (shape) => ({ x: shape, logScale: { rows: 1, columns: 1 } }),
    trace: (tape, { x, logScale }) => unitRows(tape, x, logScale),
    gradients({ x, logScale }, cotangent) {
      const { gradX, gradLogScale } = unitRowsBackward(x, cotangent, x.length / 70, logScale[0]);
      return { x: gradX, logScale: Float64Array.of(gradLogScale) };
    },
  },
  "embeddings": {
    shapes: ({ columns }) => ({ table: { rows: 7, columns }, images: { rows: 3, columns } }),
    trace: (tape, { table, images }) => embedding(tape, table, images, indexOf(tape.engine), 70),
    gradients: ({ table }, cotangent) => embeddingGradients(table, cotangent),
  },
};

/** Activations whose gradient a product behind them makes, with the reference of that gradient. */
const ACTIVATIONS: Record<string, ActivationCase> = {
  GELU: {
    activation: { kind: "gelu", form: "exact" },
    gradient: (pre, dy) => geluBackward(pre, dy),
  },
  "GELU by tanh": {
    activation: { kind: "gelu", form: "tanh" },
    gradient: (pre, dy) => GELU.tanh.backward(pre, dy),
  },
  "GELU by sigmoid": {
    activation: { kind: "gelu", form: "quick" },
    gradient: (pre, dy) => GELU.quick.backward(pre, dy),
  },
  SwiGLU: {
    activation: { kind: "swiglu" },
    gradient(pre, dy, columns) {
      const half = columns / 2;
      const [gate, up] = [0, half].map((first) => takeColumns(pre, columns, first, half));
      const { gradGate, gradUp } = swigluBackward(gate, up, dy);
      const rows = pre.length / columns;
      return joinColumns(rows, [
        { columns: half, data: gradGate },
        { columns: half, data: gradUp },
      ]);
    },
  },
};

interface ActivationCase {
  activation: Activation;
  gradient(pre: Float64Array, dy: Float64Array, columns: number): ArrayLike<number>;
}

function indexOf(engine: Engine): EmbeddingIndex {
  const { starts, places } = sortedPlaces(SOURCES, 7);
  return {
    sources: uploadInts(engine, SOURCES),
    starts: uploadInts(engine, starts),
    places: uploadInts(engine, places),
    imageRows: uploadInts(engine, [0, 1, 2]),
  };
}

function embeddingGradients(table: Float64Array, cotangent: Float64Array) {
  const columns = cotangent.length / SOURCES.length;
  const gradTable = new Float64Array(table.length);
  SOURCES.forEach((source, row) => {
    if (source < 0) return;
    for (let j = 0; j < columns; j++) {
      gradTable[source * columns + j] += cotangent[row * columns + j];
    }
  });
  return { table: gradTable, images: cotangent.slice(0, 3 * columns) };
}

for (const engine of await testEngines()) {
  for (const form of ["NT", "NN", "TN"] as const) {
    Deno.test(`product ${form} of 33 x 65 x 17 ${formOf(engine)}`, () =>
      assertProduct(engine, form, { m: 33, k: 65, n: 17 }));

    Deno.test(`products ${form} of random sizes ${formOf(engine)}`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.record({
            m: fc.integer({ min: 1, max: 300 }),
            k: fc.integer({ min: 1, max: 300 }),
            n: fc.integer({ min: 1, max: 300 }),
          }),
          (size) => assertProduct(engine, form, size),
        ),
        // Each block that the plan has is a pipeline to compile, so few sizes and no shrinking.
        { numRuns: 6, endOnFailure: true },
      ));
  }

  Deno.test(`row kernels of random sizes ${formOf(engine)}`, () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 150 }),
        // With one or two columns every row is normalised to +-1, and gradients are rounding noise.
        fc.integer({ min: 3, max: 70 }),
        async (rows, columns) => {
          const [x, cotangent] = [1, 2].map((seed) => randomValues(seed, rows * columns, 2));
          const [gain, bias] = [3, 4].map((seed) => randomValues(seed, columns));
          const shape = { rows, columns };
          const given = matrices(engine, { x, cotangent }, shape);
          const vectors = matrices(engine, { gain, bias }, { rows: 1, columns });
          const norm = await runOnce(engine, (tape) => {
            const y = rmsNorm(tape, given.x, vectors.gain, 1e-5);
            backwardFrom(tape, y, given.cotangent);
            return { y, x: tape.gradientOf(given.x), gain: tape.gradientOf(vectors.gain) };
          });
          const label = `${rows} x ${columns}`;
          assertClose(norm.y, referenceRmsNorm(x, gain, 1e-5), FLOAT32, `rms norm ${label}`);
          const gradients = rmsNormBackward(x, gain, cotangent, 1e-5);
          assertClose(norm.x, gradients.gradX, FLOAT32, `rms norm gradient ${label}`);
          assertClose(norm.gain, gradients.gradWeight, FLOAT32, `gain gradient ${label}`);

          const layer = await runOnce(engine, (tape) => {
            const y = layerNorm(tape, given.x, vectors.gain, vectors.bias, 1e-2);
            backwardFrom(tape, y, given.cotangent);
            return { x: tape.gradientOf(given.x), bias: tape.gradientOf(vectors.bias) };
          });
          const wanted = layerNormBackward(x, gain, cotangent, 1e-2);
          assertClose(layer.x, wanted.gradX, FLOAT32, `layer norm gradient ${label}`);
          assertClose(layer.bias, wanted.gradBias, FLOAT32, `bias gradient ${label}`);

          const cosine = await runOnce(engine, (tape) => {
            const loss = cosineLoss(tape, given.x, given.cotangent);
            tape.backward();
            return {
              loss,
              x: tape.gradientOf(given.x),
              y: tape.gradientOf(given.cotangent),
            };
          }, { lambda: 1 });
          const { cosines } = referenceCosine(x, cotangent, columns);
          assertClose(takeColumns(cosine.loss, 4, 1, 1), cosines, FLOAT32, `cosine ${label}`);
          const { gradU, gradV } = cosineLossBackward(x, cotangent, columns);
          const tolerance = { rtol: 1e-4, atol: 1e-6 };
          assertClose(cosine.x, gradU, tolerance, `cosine gradient by x ${label}`);
          assertClose(cosine.y, gradV, tolerance, `cosine gradient by y ${label}`);
        },
      ),
      { numRuns: 4, endOnFailure: true },
    ));

  Deno.test(`a linear map adds what comes before an activation, and a residual ${formOf(engine)}`, async () => {
    const [rows, inputs, outputs] = [21, 18, 35];
    const x = randomValues(1, rows * inputs);
    const weight = randomValues(2, outputs * inputs);
    const bias = randomValues(3, outputs);
    const [residual, cotangent, before] = [4, 5, 6].map((seed) =>
      randomValues(seed, rows * outputs)
    );
    const given = {
      ...matrices(engine, { x }, { rows, columns: inputs }),
      ...matrices(engine, { weight }, { rows: outputs, columns: inputs }),
      ...matrices(engine, { bias }, { rows: 1, columns: outputs }),
      ...matrices(engine, { before, residual, cotangent }, { rows, columns: outputs }),
    };
    const read = await runOnce(engine, (tape) => {
      const { bias, before, residual } = given;
      const y = linear(tape, given.x, given.weight, { bias, before, residual });
      backwardFrom(tape, y, given.cotangent);
      return { y, before: tape.gradientOf(before), residual: tape.gradientOf(residual) };
    });
    const expected = add(add(referenceLinear(x, weight, bias, inputs), before), residual);
    assertClose(read.y, expected, FLOAT32, "y");
    assertClose(read.before, cotangent, { rtol: 0, atol: 0 }, "gradient of what comes before");
    assertClose(read.residual, cotangent, { rtol: 0, atol: 0 }, "gradient of the residual");
  });

  for (const [name, operation] of Object.entries(TWICE)) {
    Deno.test(`gradients of ${name} add up where its inputs are used twice ${formOf(engine)}`, async () => {
      const shape = { rows: 70, columns: 13 };
      const [first, second] = [1, 2].map((seed) => randomValues(seed, 70 * 13));
      const cotangents = matrices(engine, { first, second }, shape);
      const shapes = operation.shapes(shape);
      const values = draw(shapes);
      const inputs = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [
          name,
          upload(engine, name, shape, values[name]),
        ]),
      );
      const read = await runOnce(engine, (tape) => {
        const y1 = operation.trace(tape, inputs);
        const y2 = operation.trace(tape, inputs);
        tape.accumulate(y1, () => cotangents.first);
        backwardFrom(tape, y2, cotangents.second);
        return Object.fromEntries(
          Object.entries(inputs).map(([name, tensor]) => [name, tape.gradientOf(tensor)]),
        );
      });
      const wanted = operation.gradients(values, add(first, second));
      assert.deepEqual(Object.keys(read).sort(), Object.keys(wanted).sort());
      for (const [input, gradient] of Object.entries(wanted)) {
        assertClose(read[input], gradient, FLOAT32, `gradient by ${input}`);
      }
    });
  }

  for (const [name, activation] of Object.entries(ACTIVATIONS)) {
    Deno.test(`gradients of ${name} add up from products and others ${formOf(engine)}`, () =>
      assertActivationGradients(engine, activation));
  }

  Deno.test(`gradients of a rotation add up from attention and others ${formOf(engine)}`, () =>
    assertPackedAttention(engine, { batch: 2, prefix: 5, blocks: 2, block: 6 }, "used twice"));

  Deno.test(`attention behind a rotation leaves the gradient before it ${formOf(engine)}`, () =>
    assertPackedAttention(engine, { batch: 2, prefix: 5, blocks: 2, block: 6 }, "used once"));

  for (
    const sequence of [
      { batch: 3, prefix: 5, blocks: 3, block: 6 },
      { batch: 1, prefix: 9, blocks: 1, block: 1 },
      { batch: 2, prefix: 4, blocks: 2, block: 9 },
      { batch: 3, prefix: 10, blocks: 0, block: 0, causal: false },
      { batch: 2, prefix: 4, blocks: 0, block: 0, causal: false },
    ]
  ) {
    const { batch, prefix, blocks, block, causal = true } = sequence;
    const title = causal
      ? `attention over ${batch} x (${prefix} + ${blocks} x ${block}) packed tokens`
      : `attention of all tokens to all over ${batch} x ${prefix}`;
    Deno.test(`${title} ${formOf(engine)}`, () => assertPackedAttention(engine, sequence));
  }

  // Scores of some hundreds: without the running maximum exp2 of them is infinite.
  Deno.test(`attention over large scores ${formOf(engine)}`, () =>
    assertPackedAttention(engine, { batch: 2, prefix: 5, blocks: 2, block: 6 }, undefined, 16, {
      rtol: 5e-4,
      atol: 1e-5,
    }));

  Deno.test(`attention of all tokens to all refuses blocks ${formOf(engine)}`, () => {
    const layout = { heads: 1, kvHeads: 1, headDim: 4, headWidth: 4 };
    const sequence = { batch: 1, prefix: 4, blocks: 1, block: 2, causal: false };
    const tape = createTape(engine);
    assert.throws(() => attention(tape, tape.tensor("x", 6, 12), sequence, layout), {
      name: "RangeError",
      message: "Cannot trace attention of all tokens to all: there are 1 blocks",
    });
  });

  Deno.test(`rows of zeros stay zeros and get no gradient ${formOf(engine)}`, async () => {
    const given = matrices(
      engine,
      { x: Float64Array.of(0, 0, 0, 3, 0, 4), dy: Float64Array.of(1, 2, 3, 1, 2, 3) },
      { rows: 2, columns: 3 },
    );
    const { y, dx } = await runOnce(engine, (tape) => {
      const y = unitRows(tape, given.x);
      backwardFrom(tape, y, given.dy);
      return { y, dx: tape.gradientOf(given.x) };
    });
    assert.deepEqual([...y.subarray(0, 3), ...dx.subarray(0, 3)], [0, 0, 0, 0, 0, 0]);
    assertClose(y.subarray(3), [0.6, 0, 0.8], FLOAT32, "unit row");
    assertClose(dx.subarray(3), [-0.16, 0.4, 0.12], FLOAT32, "its gradient");
  });

  Deno.test(`embeddings are gathered from tokens and images ${formOf(engine)}`, async () => {
    const { table, images } = draw({
      table: { rows: 7, columns: 10 },
      images: { rows: 3, columns: 10 },
    });
    const given = {
      ...matrices(engine, { table }, { rows: 7, columns: 10 }),
      ...matrices(engine, { images }, { rows: 3, columns: 10 }),
    };
    const { y } = await runOnce(engine, (tape) => ({
      y: embedding(tape, given.table, given.images, indexOf(engine), SOURCES.length),
    }));
    const expected = SOURCES.flatMap((source) =>
      source >= 0 ? [...row(table, source, 10)] : [...row(images, -1 - source, 10)]
    );
    assert.deepEqual([...y], expected);
  });

  Deno.test(`matrices taller than a texture are right ${formOf(engine)}`, async () => {
    const rows = engine.device.limits.maxTextureDimension2D + 3616;
    const [columns, outputs] = [4, 6];
    const x = randomValues(1, rows * columns, 2);
    const cotangent = randomValues(2, rows * outputs);
    const weight = randomValues(3, outputs * columns);
    const bias = randomValues(4, outputs);
    const given = {
      ...matrices(engine, { x }, { rows, columns }),
      ...matrices(engine, { cotangent }, { rows, columns: outputs }),
      ...matrices(engine, { weight }, { rows: outputs, columns }),
      ...matrices(engine, { bias }, { rows: 1, columns: outputs }),
    };
    const read = await runOnce(engine, (tape) => {
      const activation: Activation = { kind: "gelu", form: "exact" };
      const activated = linear(tape, given.x, identity(engine, columns), { activation });
      const y = linear(tape, activated, given.weight, { bias: given.bias });
      backwardFrom(tape, y, given.cotangent);
      return {
        activated,
        y,
        x: tape.gradientOf(given.x),
        weight: tape.gradientOf(given.weight),
        bias: tape.gradientOf(given.bias),
      };
    });
    const activated = gelu(x);
    assertClose(read.activated, activated, FLOAT32, "gelu");
    assertClose(read.y, referenceLinear(activated, weight, bias, columns), FLOAT32, "linear");
    const wanted = linearBackward(activated, weight, cotangent, columns);
    assertClose(read.x, geluBackward(x, wanted.gradX), FLOAT32, "gradient by x");
    // Sums over 20,000 rows, one after another in float32.
    const long = { rtol: 1e-4, atol: 0 };
    assertClose(read.weight, wanted.gradWeight, long, "gradient by the weight");
    assertClose(read.bias, wanted.gradBias, long, "gradient by the bias");
  });

  Deno.test(`column sums of many rows ${formOf(engine)}`, async () => {
    const [rows, columns] = [517, 9];
    const x = randomValues(1, rows * columns);
    const given = matrices(engine, { x }, { rows, columns });
    const read = await runOnce(engine, (tape) => ({ sums: columnSum(tape, given.x) }));
    const sums = new Float64Array(columns);
    x.forEach((value, i) => sums[i % columns] += value);
    assertClose(read.sums, sums, FLOAT32, "sums");
  });
}

/** Compares a product of random matrices, with a matrix added and without. */
async function assertProduct(engine: Engine, form: MatmulForm, size: MatmulSize): Promise<void> {
  const { m, k, n } = size;
  const [a, b] = [randomValues(1, m * k), randomValues(2, k * n)];
  const base = randomValues(3, m * n);
  const A = upload(
    engine,
    "a",
    form === "TN" ? { rows: k, columns: m } : { rows: m, columns: k },
    a,
  );
  const B = upload(
    engine,
    "b",
    form === "NT" ? { rows: n, columns: k } : { rows: k, columns: n },
    b,
  );
  const added = upload(engine, "base", { rows: m, columns: n }, base);
  const read = await runOnce(engine, (tape) => ({
    c: PRODUCTS[form](tape, A, B),
    sum: PRODUCTS[form](tape, A, B, { base: added }),
  }));
  for (const tensor of [A, B, added]) freeTensor(engine, tensor);
  const expected = matmul(form, a, b, size);
  assertClose(read.c, expected, FLOAT32, `product ${m} x ${k} x ${n}`);
  assertClose(read.sum, add(expected, base), FLOAT32, `product with base ${m} x ${k} x ${n}`);
}

/**
 * An activated tensor with three consumers: two products, which make the gradient before the
 * activation themselves and add it up, and one that leaves the gradient behind it.
 */
async function assertActivationGradients(
  engine: Engine,
  { activation, gradient }: ActivationCase,
): Promise<void> {
  const [rows, columns, outputs] = [21, 24, 10];
  const width = activation.kind === "swiglu" ? columns / 2 : columns;
  const x = randomValues(1, rows * columns, 4);
  const before = randomValues(7, rows * columns);
  const weights = [2, 3].map((seed) => randomValues(seed, outputs * width));
  const cotangents = [4, 5].map((seed) => randomValues(seed, rows * outputs));
  const direct = randomValues(6, rows * width);
  const given = matrices(engine, { x, before }, { rows, columns });
  const read = await runOnce(engine, (tape) => {
    const options = { activation, before: given.before };
    const y = linear(tape, given.x, identity(engine, columns), options);
    const maps = weights.map((weight) =>
      linear(tape, y, upload(engine, "weight", { rows: outputs, columns: width }, weight))
    );
    maps.forEach((map, i) => {
      const cotangent = upload(engine, "dy", { rows, columns: outputs }, cotangents[i]);
      tape.accumulate(map, () => cotangent);
    });
    backwardFrom(tape, y, upload(engine, "dy", { rows, columns: width }, direct));
    return { x: tape.gradientOf(given.x), before: tape.gradientOf(given.before) };
  });
  const dy = weights.reduce((sum, weight, i) => {
    const size = { m: rows, k: outputs, n: width };
    return add(sum, matmul("NN", cotangents[i], weight, size));
  }, direct);
  const expected = gradient(add(x, before), dy, columns);
  assertClose(read.x, expected, FLOAT32, "gradient before the activation");
  assertClose(read.before, expected, FLOAT32, "gradient of what comes before");
}

/**
 * Compares attention over packed questions, each of the full block length, with the reference.
 *
 * @param rotation Whether its input comes out of a rotation, and if something else reads that too.
 */
async function assertPackedAttention(
  engine: Engine,
  sequence: SequenceLayout,
  rotation?: "used once" | "used twice",
  scale = 2,
  tolerance = FLOAT32,
): Promise<void> {
  const { batch, prefix, blocks, block } = sequence;
  const tokens = sequenceLength(sequence);
  const layout = { heads: 4, kvHeads: 2, headDim: 6, headWidth: 8 };
  const { heads, kvHeads, headDim, headWidth } = layout;
  const rows = batch * tokens;
  const queries = { batch, heads, tokens };
  const keys = { batch, heads: kvHeads, tokens };
  const q = randomValues(1, rows * heads * headDim, scale);
  const [k, v] = [2, 3].map((seed) => randomValues(seed, rows * kvHeads * headDim, scale));
  const cotangent = randomValues(4, rows * heads * headDim);
  const columns = (heads + 2 * kvHeads) * headWidth;
  const x = upload(
    engine,
    "qkv",
    { rows, columns },
    joinColumns(rows, [
      { columns: heads * headWidth, data: joinHeads(q, queries, layout, "halves") },
      { columns: kvHeads * headWidth, data: joinHeads(k, keys, layout, "halves") },
      { columns: kvHeads * headWidth, data: joinHeads(v, keys, layout) },
    ]),
  );
  const given = upload(
    engine,
    "cotangent",
    { rows, columns: heads * headWidth },
    joinHeads(cotangent, queries, layout),
  );
  // The gradient of what else reads the rotated heads: queries and keys alike, nothing for values.
  const beside = [5, 6].map((seed, i) =>
    randomValues(seed, rows * (i === 0 ? heads : kvHeads) * headDim)
  );
  const read = await runOnce(engine, (tape) => {
    const turned = rotation
      ? linear(tape, x, identity(engine, columns), {
        activation: { kind: "rotation", rotation: rotationOf(engine, sequence, layout) },
      })
      : x;
    if (rotation === "used twice") {
      const also = joinColumns(rows, [
        { columns: heads * headWidth, data: joinHeads(beside[0], queries, layout, "halves") },
        { columns: kvHeads * headWidth, data: joinHeads(beside[1], keys, layout, "halves") },
        { columns: kvHeads * headWidth, data: new Float32Array(rows * kvHeads * headWidth) },
      ]);
      const cotangent = upload(engine, "dy", { rows, columns }, also);
      tape.accumulate(turned, () => cotangent);
    }
    const y = attention(tape, turned, sequence, layout);
    backwardFrom(tape, y, given);
    return { y, gradient: tape.gradientOf(x) };
  });

  const question = { ids: new Int32Array(block), answerMask: new Int32Array(block) };
  const { segment, positions } = packQuestions(prefix, Array(blocks).fill(question));
  assert.deepEqual(sequencePositions(sequence), positions);
  const mask = sequence.causal === false ? reference.full : reference.prefixBlocks(segment);
  const size = { heads, kvHeads, tokens, headDim };
  const part = (values: Float64Array, b: number) =>
    values.subarray(b * values.length / batch, (b + 1) * values.length / batch);
  const wanted = Array.from({ length: batch }, (_, b) => {
    const turn = (values: Float64Array) =>
      rotation ? rope(values, positions, { headDim, theta: THETA }) : values;
    const back = (gradient: Float64Array, other: Float64Array) => {
      if (!rotation) return gradient;
      const all = rotation === "used twice" ? add(gradient, part(other, b)) : gradient;
      return ropeBackward(all, positions, { headDim, theta: THETA });
    };
    const [qb, kb] = [q, k].map((values) => turn(part(values, b)));
    const vb = part(v, b);
    const gradients = reference.attentionBackward(qb, kb, vb, part(cotangent, b), size, mask);
    return {
      ...reference.attention(qb, kb, vb, size, mask),
      gradQ: back(gradients.gradQ, beside[0]),
      gradK: back(gradients.gradK, beside[1]),
      gradV: gradients.gradV,
    };
  });
  const all = (name: "y" | "gradQ" | "gradK" | "gradV") => wanted.flatMap((one) => [...one[name]]);
  const gradient = (first: number, size: typeof keys, order?: "halves") => {
    const part = takeColumns(read.gradient, columns, first, size.heads * headWidth);
    return splitHeads(part, size, layout, order);
  };
  assertClose(splitHeads(read.y, queries, layout), all("y"), tolerance, "y");
  assertClose(gradient(0, queries, "halves"), all("gradQ"), tolerance, "gradient by q");
  assertClose(
    gradient(heads * headWidth, keys, "halves"),
    all("gradK"),
    tolerance,
    "gradient by k",
  );
  const firstValue = (heads + kvHeads) * headWidth;
  assertClose(gradient(firstValue, keys), all("gradV"), tolerance, "gradient by v");
}

const THETA = 100;

function rotationOf(engine: Engine, sequence: SequenceLayout, heads: HeadLayout): Rotation {
  const one = sequencePositions(sequence);
  const count = Math.max(...one) + 1;
  const shape = { rows: count, columns: heads.headWidth };
  return {
    table: upload(engine, "table", shape, ropeTable(count, heads, THETA)),
    positions: uploadInts(engine, Array.from({ length: sequence.batch }, () => [...one]).flat()),
    heads,
  };
}

/** Rows of each token in order, as compressed sparse rows. */
function sortedPlaces(sources: number[], vocabulary: number) {
  const starts = [0];
  const places: number[] = [];
  for (let token = 0; token < vocabulary; token++) {
    sources.forEach((source, row) => source === token && places.push(row));
    starts.push(places.length);
  }
  return { starts, places };
}

/** Uploads matrices of one shape. */
function matrices<Name extends string>(
  engine: Engine,
  values: Record<Name, Float64Array>,
  shape: Shape,
): Record<Name, Tensor> {
  const entries = Object.entries<Float64Array>(values)
    .map(([name, data]) => [name, upload(engine, name, shape, data)]);
  return Object.fromEntries(entries);
}
