/** Every backward of the reference against central differences of its forward. */
import assert from "node:assert/strict";
import { assertGradient } from "../testing/finite_difference.ts";
import { attention, attentionBackward, causal, full, PREFIX, prefixBlocks } from "./attention.ts";
import { cosineLoss, cosineLossBackward } from "./cosine.ts";
import { crossEntropy, crossEntropyBackward, IGNORED } from "./cross_entropy.ts";
import { embedding, embeddingBackward } from "./embedding.ts";
import { GELU } from "./gelu.ts";
import { layerNorm, layerNormBackward } from "./layer_norm.ts";
import { linear, linearBackward } from "./linear.ts";
import { matmul, matmulBackward, type MatmulForm } from "./matmul.ts";
import { mlp } from "./mlp.ts";
import { addPositions, addPositionsBackward } from "./positions.ts";
import { randomValues } from "./random_values.ts";
import { rmsNorm, rmsNormBackward } from "./rms_norm.ts";
import { rope, ropeBackward } from "./rope.ts";
import { softmax, softmaxBackward } from "./softmax.ts";
import { silu, siluBackward, swiglu, swigluBackward } from "./swiglu.ts";
import { unitRows, unitRowsBackward } from "./unit_rows.ts";
import { dot } from "./values.ts";
import { vicregCovariance, vicregVariance } from "./vicreg.ts";

type Inputs = Record<string, Float64Array>;

/** An operation on named inputs: its output, and the gradient by each input. */
interface Operation {
  /** Length of each input. */
  sizes: Record<string, number>;
  forward(inputs: Inputs): Float64Array;
  backward(inputs: Inputs, gradY: Float64Array): Record<string, Float64Array>;
}

const OPERATIONS: Record<string, Operation> = {
  "matmul NN": matmulOperation("NN"),
  "matmul NT": matmulOperation("NT"),
  "matmul TN": matmulOperation("TN"),
  "linear": {
    sizes: { x: 5 * 7, weight: 3 * 7, bias: 3 },
    forward: ({ x, weight, bias }) => linear(x, weight, bias, 7),
    backward({ x, weight }, gradY) {
      const { gradX, gradWeight, gradBias } = linearBackward(x, weight, gradY, 7);
      return { x: gradX, weight: gradWeight, bias: gradBias };
    },
  },
  "gelu": elementwise(GELU.exact.forward, GELU.exact.backward),
  "tanh gelu": elementwise(GELU.tanh.forward, GELU.tanh.backward),
  "quick gelu": elementwise(GELU.quick.forward, GELU.quick.backward),
  "silu": elementwise(silu, siluBackward),
  "swiglu": {
    sizes: { gate: 15, up: 15 },
    forward: ({ gate, up }) => swiglu(gate, up),
    backward({ gate, up }, gradY) {
      const { gradGate, gradUp } = swigluBackward(gate, up, gradY);
      return { gate: gradGate, up: gradUp };
    },
  },
  "softmax": {
    sizes: { x: 3 * 7 },
    forward: ({ x }) => softmax(x, 7),
    backward: ({ x }, gradY) => ({ x: softmaxBackward(softmax(x, 7), gradY, 7) }),
  },
  "RMSNorm": {
    sizes: { x: 3 * 7, weight: 7 },
    forward: ({ x, weight }) => rmsNorm(x, weight, 0.1),
    backward({ x, weight }, gradY) {
      const { gradX, gradWeight } = rmsNormBackward(x, weight, gradY, 0.1);
      return { x: gradX, weight: gradWeight };
    },
  },
  "LayerNorm": {
    sizes: { x: 3 * 7, weight: 7, bias: 7 },
    forward: ({ x, weight, bias }) => layerNorm(x, weight, bias, 0.1),
    backward({ x, weight }, gradY) {
      const { gradX, gradWeight, gradBias } = layerNormBackward(x, weight, gradY, 0.1);
      return { x: gradX, weight: gradWeight, bias: gradBias };
    },
  },
  "rotary embedding": {
    sizes: { x: 2 * 3 * 6 },
    forward: ({ x }) => rope(x, [0, 4, 1], { headDim: 6, theta: 100 }),
    backward: (_, gradY) => ({ x: ropeBackward(gradY, [0, 4, 1], { headDim: 6, theta: 100 }) }),
  },
  "causal attention": attentionOperation(causal),
  "attention of all tokens to all": attentionOperation(full),
  "attention over packed questions": attentionOperation(prefixBlocks([PREFIX, PREFIX, 0, 0, 1])),
  "embedding with a repeated token": {
    sizes: { table: 5 * 3 },
    forward: ({ table }) => embedding(table, [4, 1, 4, 0], 3),
    backward: (_, gradY) => ({
      table: embeddingBackward([4, 1, 4, 0], gradY, { vocabulary: 5, width: 3 }),
    }),
  },
  "learned positions": {
    sizes: { x: 2 * 3 * 5, table: 4 * 5 },
    forward: ({ x, table }) => addPositions(x, table, { period: 3, width: 5 }),
    backward: (_, gradY) => ({
      x: gradY,
      table: addPositionsBackward(gradY, { positions: 4, period: 3, width: 5 }),
    }),
  },
  "unit rows": {
    sizes: { x: 3 * 5, logScale: 1 },
    forward: ({ x, logScale }) => unitRows(x, 5, logScale[0]),
    backward({ x, logScale }, gradY) {
      const { gradX, gradLogScale } = unitRowsBackward(x, gradY, 5, logScale[0]);
      return { x: gradX, logScale: Float64Array.of(gradLogScale) };
    },
  },
  "cross-entropy": {
    sizes: { logits: 4 * 5 },
    forward: ({ logits }) => crossEntropy(logits, [2, IGNORED, 0, 4], 5).rowLoss,
    backward: ({ logits }, gradY) => ({
      logits: crossEntropyBackward(logits, [2, IGNORED, 0, 4], gradY, 5),
    }),
  },
  "cosine loss": {
    sizes: { u: 3 * 7, v: 3 * 7 },
    forward: ({ u, v }) => Float64Array.of(cosineLoss(u, v, 7).loss),
    backward({ u, v }, [gradLoss]) {
      const { gradU, gradV } = cosineLossBackward(u, v, 7);
      return { u: gradU.map((g) => g * gradLoss), v: gradV.map((g) => g * gradLoss) };
    },
  },
  "projector": {
    sizes: { "x": 3 * 5, "0.weight": 4 * 5, "0.bias": 4, "2.weight": 6 * 4, "2.bias": 6 },
    forward: (inputs) => projector(inputs).y,
    backward(inputs, gradY) {
      const { gradX, gradients } = projector(inputs).backward(gradY);
      return { x: gradX, ...gradients };
    },
  },
  "VICReg variance": {
    sizes: { z: 6 * 4 },
    forward: ({ z }) => Float64Array.of(vicregVariance(z, 4, { gamma: 1, eps: 1e-4 }).loss),
    backward: ({ z }, [gradLoss]) => ({
      z: vicregVariance(z, 4, { gamma: 1, eps: 1e-4 }).gradZ.map((g) => g * gradLoss),
    }),
  },
  "VICReg covariance": {
    sizes: { z: 6 * 4 },
    forward: ({ z }) => Float64Array.of(vicregCovariance(z, 4).loss),
    backward: ({ z }, [gradLoss]) => ({
      z: vicregCovariance(z, 4).gradZ.map((g) => g * gradLoss),
    }),
  },
};

for (const [name, { sizes, forward, backward }] of Object.entries(OPERATIONS)) {
  Deno.test(`the gradient of ${name} agrees with finite differences`, () => {
    const inputs: Inputs = Object.fromEntries(
      Object.entries(sizes).map(([input, size], seed) => [input, randomValues(seed, size, 2)]),
    );
    const cotangent = randomValues(99, forward(inputs).length);
    const gradients = backward(inputs, cotangent);
    assert.deepEqual(Object.keys(gradients).sort(), Object.keys(inputs).sort());
    for (const [input, gradient] of Object.entries(gradients)) {
      const scalar = (x: Float64Array) => dot(forward({ ...inputs, [input]: x }), cotangent);
      const check = { rtol: 1e-8, atol: 1e-10, entries: Infinity };
      assertGradient(scalar, inputs[input], gradient, check, `gradient by ${input}`);
    }
  });
}

Deno.test("the forms of the matrix product agree on transposed operands", () => {
  const size = { m: 3, k: 5, n: 2 };
  const [a, b] = [randomValues(1, 15), randomValues(2, 10)];
  const y = matmul("NN", a, b, size);
  assert.deepEqual(matmul("NT", a, transpose(b, 5, 2), size), y);
  assert.deepEqual(matmul("TN", transpose(a, 3, 5), b, size), y);
});

Deno.test("a zero row has cosine 0 and no gradient, and its partner none either", () => {
  const [u, v] = [Float64Array.of(0, 0, 3, 4), Float64Array.of(1, 2, 4, 3)];
  const { cosines, loss } = cosineLoss(u, v, 2);
  assert.deepEqual([...cosines], [0, 24 / 25]);
  assert.ok(Math.abs(loss - (1 - 12 / 25)) < 1e-15);
  const { gradU, gradV } = cosineLossBackward(u, v, 2);
  assert.deepEqual([...gradU.subarray(0, 2)], [0, 0]);
  assert.ok([...gradV.subarray(0, 2)].every((g) => Math.abs(g) === 0));
  assert.ok(gradU[2] !== 0 && gradV[2] !== 0);
});

function matmulOperation(form: MatmulForm): Operation {
  const size = { m: 3, k: 5, n: 2 };
  return {
    sizes: { a: 15, b: 10 },
    forward: ({ a, b }) => matmul(form, a, b, size),
    backward({ a, b }, gradY) {
      const { gradA, gradB } = matmulBackward(form, a, b, gradY, size);
      return { a: gradA, b: gradB };
    },
  };
}

function attentionOperation(mask: typeof causal): Operation {
  const size = { heads: 4, kvHeads: 2, tokens: 5, headDim: 3 };
  return {
    sizes: { q: 60, k: 30, v: 30 },
    forward: ({ q, k, v }) => attention(q, k, v, size, mask).y,
    backward({ q, k, v }, gradY) {
      const { gradQ, gradK, gradV } = attentionBackward(q, k, v, gradY, size, mask);
      return { q: gradQ, k: gradK, v: gradV };
    },
  };
}

function elementwise(
  forward: (x: Float64Array) => Float64Array,
  backward: (x: Float64Array, gradY: Float64Array) => Float64Array,
): Operation {
  return {
    sizes: { x: 31 },
    forward: ({ x }) => forward(x),
    backward: ({ x }, gradY) => ({ x: backward(x, gradY) }),
  };
}

function projector(inputs: Inputs) {
  return mlp(inputs.x, {
    "0.weight": inputs["0.weight"],
    "0.bias": inputs["0.bias"],
    "2.weight": inputs["2.weight"],
    "2.bias": inputs["2.bias"],
  });
}

function transpose(x: Float64Array, rows: number, columns: number): Float64Array {
  return x.map((_, i) => x[(i % rows) * columns + Math.floor(i / rows)]);
}
