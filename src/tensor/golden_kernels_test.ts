/** The kernels against the golden values: outputs and gradients, on both operand forms. */
import assert from "node:assert/strict";
import { type Engine, writeStep } from "../gpu/engine.ts";
import { createArray, readBuffer } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { joinColumns, joinHeads, splitHeads, takeColumns } from "../reference/heads.ts";
import { randomValues } from "../reference/random_values.ts";
import {
  type Golden,
  goldenFloat64,
  goldenTensor,
  goldenTolerance,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
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
import { attention } from "./attention.ts";
import type { GeluForm } from "./gelu.ts";
import { linear } from "./linear.ts";
import { crossEntropy } from "./losses.ts";
import { matmulNN, matmulNT, matmulTN } from "./matmul.ts";
import { layerNorm, rmsNorm } from "./norm.ts";
import { type Activation, producerOf } from "./producer.ts";
import { rowTotal } from "./reduce.ts";
import { ropeTable } from "./rope.ts";
import { createTape, keep, type Tape } from "./tape.ts";

type Results = Record<string, ArrayLike<number>>;

/** A case with its tensors as matrices: (all axes but the last, the last). */
interface Case {
  engine: Engine;
  golden: Golden;
  values(name: string): Float64Array;
  shape(name: string): number[];
  tensor(name: string): Tensor;
}

/** What the kernels give for a case, in each way that they have: computed tensors under golden names. */
const OPERATIONS: Record<string, (given: Case) => Promise<Results | Results[]>> = {
  gemm: ({ golden: { json: { m, k, n } }, values, engine }) =>
    products(engine, values("A"), values("B"), values("cotangent"), { m, k, n }),
  async gemm_batched({ golden: { json: { batch, m, k, n } }, values, engine }) {
    const joined: Record<string, number[]> = {};
    const part = (name: string, index: number) => {
      const all = values(name);
      return all.subarray(index * all.length / batch, (index + 1) * all.length / batch);
    };
    for (let index = 0; index < batch; index++) {
      const [a, b, cotangent] = ["A", "B", "cotangent"].map((name) => part(name, index));
      for (
        const [name, one] of Object.entries(await products(engine, a, b, cotangent, { m, k, n }))
      ) {
        (joined[name] ??= []).push(...Array.from(one));
      }
    }
    return joined;
  },
  linear: (given) => affine(given),
  linear_gelu: (given) => affine(given, { kind: "gelu", form: "exact" }),
  gelu: (given) => inBothWays(given, gelu, { form: "exact" }),
  gelu_tanh: (given) => inBothWays(given, gelu, { form: "tanh" }),
  // silu(x) = swiglu with up = 1.
  silu: (given) =>
    inBothWays(given, gated, {
      gate: given.values("x"),
      up: given.values("x").map(() => 1),
      gateName: "grad.x",
    }),
  swiglu: (given) =>
    inBothWays(given, gated, {
      gate: given.values("gate"),
      up: given.values("up"),
      gateName: "grad.gate",
      upName: "grad.up",
    }),
  async softmax_cross_entropy({ engine, tensor, values }) {
    const target = values("target");
    const labels = uploadInts(engine, target);
    const ring = createArray(engine.device, 4);
    const tape = createTape(engine);
    const logits = tensor("logits");
    const rows = keep(crossEntropy(tape, logits, labels));
    rowTotal(tape, rows, ring, 0, "token");
    tape.backward();
    const gradient = keep(tape.gradientOf(logits)!);
    const program = compileProgram(engine, tape.commands);
    writeStep(engine, { tokenScale: 1 / target.filter((label) => label >= 0).length });
    program.run();
    const read = await runOnce(engine, () => ({ rows, gradient }));
    program.destroy();
    return {
      "loss": new Float32Array(await readBuffer(engine.device, ring)).subarray(0, 1),
      "row_loss": takeColumns(read.rows, 4, 0, 1),
      "logsumexp": takeColumns(read.rows, 4, 1, 1),
      "grad.logits": read.gradient,
    };
  },
  rmsnorm: ({ engine, golden, tensor }) =>
    runOnce(engine, (tape) => {
      const [x, weight] = ["x", "weight"].map(tensor);
      const y = rmsNorm(tape, x, weight, golden.json.eps);
      backwardFrom(tape, y, tensor("cotangent"));
      return { y, "grad.x": tape.gradientOf(x), "grad.weight": tape.gradientOf(weight) };
    }),
  layernorm: ({ engine, golden, tensor }) =>
    runOnce(engine, (tape) => {
      const [x, weight, bias] = ["x", "weight", "bias"].map(tensor);
      const y = layerNorm(tape, x, weight, bias, golden.json.eps);
      backwardFrom(tape, y, tensor("cotangent"));
      return {
        y,
        "grad.x": tape.gradientOf(x),
        "grad.weight": tape.gradientOf(weight),
        "grad.bias": tape.gradientOf(bias),
      };
    }),
  /** The golden heads as queries and one key head, beside a value head that must pass unturned. */
  async rope({ engine, golden, values, shape }) {
    const [heads, tokens, headDim] = shape("x");
    const headWidth = 4 * Math.ceil(headDim / 4);
    const layout = { heads: heads - 1, kvHeads: 1, headDim, headWidth };
    const turned = { batch: 1, heads, tokens };
    const valueHead = randomValues(1, tokens * headWidth);
    const columns = (heads + 1) * headWidth;
    const beside = (name: string) =>
      upload(
        engine,
        name,
        { rows: tokens, columns },
        joinColumns(tokens, [
          { columns: heads * headWidth, data: joinHeads(values(name), turned, layout, "halves") },
          { columns: headWidth, data: valueHead },
        ]),
      );
    const positions = values("positions");
    const table = upload(
      engine,
      "table",
      { rows: Math.max(...positions) + 1, columns: headWidth },
      ropeTable(Math.max(...positions) + 1, layout, golden.json.theta),
    );
    const read = await runOnce(engine, (tape) => {
      const x = beside("x");
      const rotation = { table, positions: uploadInts(engine, positions), heads: layout };
      const y = linear(tape, x, identity(engine, columns), {
        activation: { kind: "rotation", rotation },
      });
      backwardFrom(tape, y, beside("cotangent"));
      return { y, "grad.x": tape.gradientOf(x) };
    });
    return Object.fromEntries(
      Object.entries(read).map(([name, all]) => {
        const passed = takeColumns(all, columns, heads * headWidth, headWidth);
        assert.deepEqual(passed, Float32Array.from(valueHead), `value head of ${name}`);
        const rotated = takeColumns(all, columns, 0, heads * headWidth);
        return [name, splitHeads(rotated, turned, layout, "halves")];
      }),
    );
  },
  async causal_attention({ engine, values, shape }) {
    const [batch, heads, tokens, headDim] = shape("q");
    const [, kvHeads] = shape("k");
    const layout = { heads, kvHeads, headDim, headWidth: 4 * Math.ceil(headDim / 4) };
    const queries = { batch, heads, tokens };
    const keys = { batch, heads: kvHeads, tokens };
    const [queryColumns, keyColumns] = [heads, kvHeads].map((count) => count * layout.headWidth);
    const columns = queryColumns + 2 * keyColumns;
    const rows = batch * tokens;
    const joint = joinColumns(rows, [
      { columns: queryColumns, data: joinHeads(values("q"), queries, layout) },
      { columns: keyColumns, data: joinHeads(values("k"), keys, layout) },
      { columns: keyColumns, data: joinHeads(values("v"), keys, layout) },
    ]);
    const x = upload(engine, "qkv", { rows, columns }, joint);
    const cotangent = upload(
      engine,
      "cotangent",
      { rows, columns: queryColumns },
      joinHeads(values("cotangent"), queries, layout),
    );
    const read = await runOnce(engine, (tape) => {
      const y = attention(tape, x, { batch, prefix: tokens, blocks: 0, block: 0 }, layout);
      backwardFrom(tape, y, cotangent);
      return { y, gradient: tape.gradientOf(x) };
    });
    const gradient = (first: number, size: typeof keys) =>
      splitHeads(
        takeColumns(read.gradient, columns, first, size.heads * layout.headWidth),
        size,
        layout,
      );
    return {
      "y": splitHeads(read.y, queries, layout),
      "grad.q": gradient(0, queries),
      "grad.k": gradient(queryColumns, keys),
      "grad.v": gradient(queryColumns + keyColumns, keys),
    };
  },
};

/** Golden tensors that no kernel leaves behind. */
const NOT_KEPT: Record<string, string[]> = { causal_attention: ["probabilities"] };

/** Cases without a kernel: softmax is part of attention and of the cross-entropy. */
const WITHOUT_KERNEL = ["softmax"];

for (const engine of await testEngines()) {
  for (const name of listGolden("kernels").filter((name) => !WITHOUT_KERNEL.includes(name))) {
    Deno.test(`the kernels give the golden values of ${name} ${formOf(engine)}`, async () => {
      const operation = OPERATIONS[name];
      assert.ok(operation, `no kernel computes kernels/${name}`);
      const golden = readGolden("kernels", name);
      const ways = [await operation(caseOf(engine, golden))].flat();
      const expected = [...golden.tensors.keys()].filter((tensor) =>
        goldenTensor(golden, tensor).data instanceof Float64Array &&
        !NOT_KEPT[name]?.includes(tensor)
      );
      for (const results of ways) {
        assert.deepEqual(Object.keys(results).sort(), expected.sort());
        for (const tensor of expected) {
          const kind = tensor.startsWith("grad") ? "grad" : "out";
          const label = `${name} ${tensor}`;
          const tolerance = goldenTolerance(golden.json, kind);
          assertClose(results[tensor], goldenFloat64(golden, tensor), tolerance, label);
        }
      }
    });
  }
}

function caseOf(engine: Engine, golden: Golden): Case {
  const shape = (name: string) => goldenTensor(golden, name).shape;
  const values = (name: string) => goldenFloat64(golden, name);
  return {
    engine,
    golden,
    shape,
    values,
    tensor(name) {
      const columns = shape(name).at(-1)!;
      const data = values(name);
      return upload(engine, name, { rows: data.length / columns, columns }, data);
    },
  };
}

/** A B and its gradients: the three orders of a product. */
function products(
  engine: Engine,
  aValues: Float64Array,
  bValues: Float64Array,
  cotangentValues: Float64Array,
  { m, k, n }: { m: number; k: number; n: number },
): Promise<Results> {
  const a = upload(engine, "A", { rows: m, columns: k }, aValues);
  const b = upload(engine, "B", { rows: k, columns: n }, bValues);
  const cotangent = upload(engine, "cotangent", { rows: m, columns: n }, cotangentValues);
  return runOnce(engine, (tape) => ({
    "y": matmulNN(tape, a, b),
    "grad.A": matmulNT(tape, cotangent, b),
    "grad.B": matmulTN(tape, a, cotangent),
  }));
}

function affine({ engine, tensor }: Case, activation?: Activation): Promise<Results> {
  return runOnce(engine, (tape) => {
    const [x, weight, bias] = ["x", "weight", "bias"].map(tensor);
    const y = linear(tape, x, weight, { bias, activation });
    backwardFrom(tape, y, tensor("cotangent"));
    return {
      y,
      pre: producerOf(y)?.pre,
      "grad.x": tape.gradientOf(x),
      "grad.weight": tape.gradientOf(weight),
      "grad.bias": tape.gradientOf(bias),
    };
  });
}

/**
 * Backwards from a cotangent of an activation's result: as it is, so that a kernel of its own makes
 * the gradient, and through one more linear map, whose product makes it on the way.
 */
type Backwards = (tape: Tape, y: Tensor, cotangent: Tensor) => void;

/** Runs an operation in both ways; the maps are identities, which change no value. */
function inBothWays<Settings>(
  given: Case,
  operation: (given: Case, backwards: Backwards, settings: Settings) => Promise<Results>,
  settings: Settings,
): Promise<Results[]> {
  const backwardKernels = ({ commands }: Tape) =>
    commands.filter(({ kernel }) => /^(gelu|swiglu)_backward$/.test(kernel)).length;
  return Promise.all([
    operation(given, (tape, y, cotangent) => {
      backwardFrom(tape, y, cotangent);
      assert.equal(backwardKernels(tape), 1);
    }, settings),
    operation(given, (tape, y, cotangent) => {
      backwardFrom(tape, linear(tape, y, identity(given.engine, y.columns)), cotangent);
      assert.equal(backwardKernels(tape), 0);
    }, settings),
  ]);
}

function gelu(
  { engine, tensor }: Case,
  backwards: Backwards,
  { form }: { form: GeluForm },
): Promise<Results> {
  return runOnce(engine, (tape) => {
    const x = tensor("x");
    const activation: Activation = { kind: "gelu", form };
    const y = linear(tape, x, identity(engine, x.columns), { activation });
    backwards(tape, y, tensor("cotangent"));
    return { y, "grad.x": tape.gradientOf(x) };
  });
}

/** swiglu of gate and up, each padded to a multiple of four columns. */
async function gated(
  { engine, shape, values }: Case,
  backwards: Backwards,
  { gate, up, gateName, upName }: {
    gate: Float64Array;
    up: Float64Array;
    gateName: string;
    upName?: string;
  },
): Promise<Results> {
  const [rows, columns] = shape("cotangent");
  const paddedTo = 4 * Math.ceil(columns / 4);
  const joint = joinColumns(rows, [
    { columns, data: gate, paddedTo },
    { columns, data: up, paddedTo },
  ]);
  const x = upload(engine, "gate and up", { rows, columns: 2 * paddedTo }, joint);
  const cotangent = upload(
    engine,
    "cotangent",
    { rows, columns: paddedTo },
    joinColumns(rows, [{ columns, data: values("cotangent"), paddedTo }]),
  );
  const read = await runOnce(engine, (tape) => {
    const y = linear(tape, x, identity(engine, 2 * paddedTo), { activation: { kind: "swiglu" } });
    backwards(tape, y, cotangent);
    return { y, gradient: tape.gradientOf(x) };
  });
  return {
    "y": takeColumns(read.y, paddedTo, 0, columns),
    [gateName]: takeColumns(read.gradient, 2 * paddedTo, 0, columns),
    ...(upName && { [upName]: takeColumns(read.gradient, 2 * paddedTo, paddedTo, columns) }),
  };
}
