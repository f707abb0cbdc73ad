/** The reference against the golden kernels: every output and every gradient, in float64. */
import assert from "node:assert/strict";
import {
  type Golden,
  goldenFloat64,
  goldenTensor,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { assertClose, FLOAT64 } from "../testing/tolerance.ts";
import { attention, attentionBackward, causal } from "./attention.ts";
import { crossEntropy, crossEntropyBackward, meanWeights } from "./cross_entropy.ts";
import { gelu, geluBackward, geluTanh, geluTanhBackward } from "./gelu.ts";
import { layerNorm, layerNormBackward } from "./layer_norm.ts";
import { linear, linearBackward } from "./linear.ts";
import { matmul, matmulBackward } from "./matmul.ts";
import { rmsNorm, rmsNormBackward } from "./rms_norm.ts";
import { rope, ropeBackward } from "./rope.ts";
import { softmax, softmaxBackward } from "./softmax.ts";
import { silu, siluBackward, swiglu, swigluBackward } from "./swiglu.ts";
import { dot } from "./values.ts";

type Tensors = Record<string, ArrayLike<number>>;
type Input = (name: string) => Float64Array;

/** What the reference gives for a case: each computed tensor under its golden name. */
const OPERATIONS: Record<string, (input: Input, golden: Golden) => Tensors> = {
  gemm: matmulCase,
  gemm_batched: (input, golden) =>
    batched(
      golden,
      ["A", "B", "cotangent"],
      input,
      (one) => matmulCase(one, golden),
    ),
  linear(input, golden) {
    const inputs = lastAxis(golden, "x");
    const y = linear(input("x"), input("weight"), input("bias"), inputs);
    return { y, ...linearGradients(input, input("cotangent"), inputs) };
  },
  linear_gelu(input, golden) {
    const inputs = lastAxis(golden, "x");
    const pre = linear(input("x"), input("weight"), input("bias"), inputs);
    const gradPre = geluBackward(pre, input("cotangent"));
    return { pre, y: gelu(pre), ...linearGradients(input, gradPre, inputs) };
  },
  gelu: (input) => ({
    "y": gelu(input("x")),
    "grad.x": geluBackward(input("x"), input("cotangent")),
  }),
  gelu_tanh: (input) => ({
    "y": geluTanh(input("x")),
    "grad.x": geluTanhBackward(input("x"), input("cotangent")),
  }),
  silu: (input) => ({
    "y": silu(input("x")),
    "grad.x": siluBackward(input("x"), input("cotangent")),
  }),
  swiglu(input) {
    const { gradGate, gradUp } = swigluBackward(
      input("gate"),
      input("up"),
      input("cotangent"),
    );
    return {
      "y": swiglu(input("gate"), input("up")),
      "grad.gate": gradGate,
      "grad.up": gradUp,
    };
  },
  softmax(input, golden) {
    const width = lastAxis(golden, "x");
    const y = softmax(input("x"), width);
    return { y, "grad.x": softmaxBackward(y, input("cotangent"), width) };
  },
  softmax_cross_entropy(input, golden) {
    const classes = lastAxis(golden, "logits");
    const [logits, target] = [input("logits"), input("target")];
    const { rowLoss, logsumexp } = crossEntropy(logits, target, classes);
    const weights = meanWeights(target);
    return {
      "loss": [dot(rowLoss, weights)],
      "row_loss": rowLoss,
      logsumexp,
      "grad.logits": crossEntropyBackward(logits, target, weights, classes),
    };
  },
  rmsnorm(input, { json: { eps } }) {
    const [x, weight] = [input("x"), input("weight")];
    const { gradX, gradWeight } = rmsNormBackward(
      x,
      weight,
      input("cotangent"),
      eps,
    );
    return {
      "y": rmsNorm(x, weight, eps),
      "grad.x": gradX,
      "grad.weight": gradWeight,
    };
  },
  layernorm(input, { json: { eps } }) {
    const [x, weight] = [input("x"), input("weight")];
    const gradients = layerNormBackward(x, weight, input("cotangent"), eps);
    return {
      "y": layerNorm(x, weight, input("bias"), eps),
      "grad.x": gradients.gradX,
      "grad.weight": gradients.gradWeight,
      "grad.bias": gradients.gradBias,
    };
  },
  rope(input, golden) {
    const size = { headDim: lastAxis(golden, "x"), theta: golden.json.theta };
    return {
      "y": rope(input("x"), input("positions"), size),
      "grad.x": ropeBackward(input("cotangent"), input("positions"), size),
    };
  },
  causal_attention(input, golden) {
    const [, heads, tokens, headDim] = goldenTensor(golden, "q").shape;
    const [, kvHeads] = goldenTensor(golden, "k").shape;
    const size = { heads, kvHeads, tokens, headDim };
    return batched(golden, ["q", "k", "v", "cotangent"], input, (one) => {
      const [q, k, v] = [one("q"), one("k"), one("v")];
      const { gradQ, gradK, gradV } = attentionBackward(
        q,
        k,
        v,
        one("cotangent"),
        size,
        causal,
      );
      const out = attention(q, k, v, size, causal);
      return { ...out, "grad.q": gradQ, "grad.k": gradK, "grad.v": gradV };
    });
  },
};

for (const name of listGolden("kernels")) {
  Deno.test(`the reference gives the golden values of ${name}`, () => {
    const golden = readGolden("kernels", name);
    const operation = OPERATIONS[name];
    assert.ok(
      operation,
      `no operation of the reference computes kernels/${name}`,
    );
    const results = operation(
      (tensor) => goldenFloat64(golden, tensor),
      golden,
    );
    const expected = [...golden.tensors].filter(([, { data }]) => data instanceof Float64Array);
    assert.deepEqual(
      Object.keys(results).sort(),
      expected.map(([tensor]) => tensor).sort(),
    );
    for (const [tensor, { data }] of expected) {
      assertClose(
        results[tensor],
        data,
        FLOAT64,
        `${name} ${tensor}`,
      );
    }
  });
}

function matmulCase(input: Input, { json: { m, k, n } }: Golden): Tensors {
  const size = { m, k, n };
  const [a, b] = [input("A"), input("B")];
  const { gradA, gradB } = matmulBackward("NN", a, b, input("cotangent"), size);
  return { "y": matmul("NN", a, b, size), "grad.A": gradA, "grad.B": gradB };
}

function linearGradients(
  input: Input,
  gradY: Float64Array,
  inputs: number,
): Tensors {
  const gradients = linearBackward(input("x"), input("weight"), gradY, inputs);
  return {
    "grad.x": gradients.gradX,
    "grad.weight": gradients.gradWeight,
    "grad.bias": gradients.gradBias,
  };
}

/** Runs a case for each index of the first axis and joins the results. */
function batched(
  golden: Golden,
  names: string[],
  input: Input,
  run: (one: Input) => Tensors,
): Tensors {
  const count = goldenTensor(golden, names[0]).shape[0];
  const joined: Record<string, number[]> = {};
  for (let index = 0; index < count; index++) {
    const results = run((name) => {
      const all = input(name);
      return all.subarray(
        index * all.length / count,
        (index + 1) * all.length / count,
      );
    });
    for (const [name, values] of Object.entries(results)) {
      (joined[name] ??= []).push(...Array.from(values));
    }
  }
  return joined;
}

function lastAxis(golden: Golden, name: string): number {
  return goldenTensor(golden, name).shape.at(-1)!;
}
