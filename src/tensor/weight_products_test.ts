/** Weights in bands against the same weights whole, on both operand forms. */
import assert from "node:assert/strict";
import { bandsOf, readTensor, weightTensor, writeTensor } from "../gpu/bands.ts";
import { type Engine, withPlan } from "../gpu/engine.ts";
import { readMatrix } from "../gpu/memory.ts";
import { freeTensor, type Tensor } from "../gpu/tensor.ts";
import { randomValues } from "../reference/random_values.ts";
import { backwardFrom, formOf, runOnce, testEngines, upload, uploadInts } from "../testing/gpu.ts";
import { embedding, gatherRows, mixEmbeddings } from "./embedding.ts";
import { linear } from "./linear.ts";
import type { Activation } from "./producer.ts";
import { ropeTable } from "./rope.ts";
import type { Tape } from "./tape.ts";

const ROWS = 9;
const WIDTH = 22;
const HEADS = { heads: 3, kvHeads: 1, headWidth: 8, headDim: 8 };

/** Runs a trace with the weight whole and with it in bands of at most `most` rows. */
async function bothWays(
  engine: Engine,
  weight: { rows: number; columns: number },
  most: number,
  trace: (tape: Tape, weight: Tensor) => Record<string, Tensor | undefined>,
) {
  const values = Float32Array.from(randomValues(1, weight.rows * weight.columns, 1));
  const run = async (most: number) => {
    const tensor = weightTensor(engine, "weight", weight, true, most);
    writeTensor(engine, tensor, values);
    assert.deepEqual(await readTensor(engine, tensor), values);
    const results = await runOnce(engine, (tape) => {
      const traced = trace(tape, tensor);
      const bands = bandsOf(tensor).map(({ tensor }, i): [string, Tensor | undefined] => [
        `band ${i}`,
        tape.gradientOf(tensor),
      ]);
      return { ...traced, ...Object.fromEntries(bands) };
    });
    const count = bandsOf(tensor).length;
    freeTensor(engine, tensor);
    // A weight's gradient is that of its bands, one below the other.
    const gradient = Array.from({ length: count }, (_, i) => [...results[`band ${i}`] ?? []])
      .flat();
    return {
      count,
      gradient: Float32Array.from(gradient),
      results: Object.fromEntries(
        Object.entries(results).filter(([name]) => !name.startsWith("band")),
      ),
    };
  };
  const [whole, banded] = [await run(weight.rows), await run(most)];
  assert.equal(whole.count, 1);
  assert.ok(banded.count >= 3, `${banded.count} bands`);
  return { whole, banded };
}

/** Sums in another order differ by their rounding. */
function assertRounded(got: ArrayLike<number>, want: ArrayLike<number>, what: string) {
  assert.equal(got.length, want.length, what);
  const scale = Math.max(...Array.from(want, Math.abs));
  assert.ok(scale > 0, `${what} is zero`);
  for (let i = 0; i < want.length; i++) {
    assert.ok(Math.abs(got[i] - want[i]) <= 2e-6 * scale, `${what}[${i}]: ${got[i]}, ${want[i]}`);
  }
}

/** The engine with tiles in workgroup memory for every product. */
function withTiles(engine: Engine): Engine {
  const block = { rows: 4, texels: 1, across: 4, tile: { depth: 8, half: false } };
  const blocks = { nt: [block], nn: [block], tn: [block] };
  return withPlan(engine, { ...engine.plan, blocks });
}

for (const engine of await testEngines()) {
  const where = formOf(engine);
  const memory = (name: string, rows: number, columns: number, seed: number, scale = 1) =>
    upload(engine, name, { rows, columns }, randomValues(seed, rows * columns, scale));

  const rotation = {
    table: upload(engine, "rope table", { rows: ROWS, columns: 8 }, ropeTable(ROWS, HEADS, 1e4)),
    positions: uploadInts(engine, Int32Array.from({ length: ROWS }, (_, i) => i)),
    heads: HEADS,
  };

  const CASES: [string, number, Activation | undefined, Engine][] = [
    ["a plain map", 30, undefined, engine],
    ["a plain map by tiles", 30, undefined, withTiles(engine)],
    ["GELU", 30, { kind: "gelu", form: "exact" }, engine],
    ["SwiGLU", 40, { kind: "swiglu" }, engine],
    ["a rotation", 40, { kind: "rotation", rotation }, engine],
  ];
  for (const [what, out, activation, engine] of CASES) {
    Deno.test(`${what} of a weight in bands is that of the whole ${where}`, async () => {
      const swiglu = activation?.kind === "swiglu";
      const width = swiglu ? out / 2 : out;
      const x = memory("x", ROWS, WIDTH, 2);
      const residual = activation ? undefined : memory("residual", ROWS, out, 3);
      const bias = swiglu ? undefined : memory("bias", 1, out, 4);
      const before = memory("before", ROWS, out, 5);
      const cotangent = memory("dy", ROWS, width, 6);
      const { whole, banded } = await bothWays(
        engine,
        { rows: out, columns: WIDTH },
        12,
        (tape, w) => {
          const y = linear(tape, x, w, { activation, residual, bias, before });
          backwardFrom(tape, y, cotangent);
          const of = (tensor?: Tensor) => tensor && tape.gradientOf(tensor);
          return { y, dx: of(x), dresidual: of(residual), dbias: of(bias), dbefore: of(before) };
        },
      );
      // Every number of the value and of the weight's gradient is summed as before.
      assert.deepEqual(banded.results.y, whole.results.y);
      assert.deepEqual(banded.gradient, whole.gradient);
      assert.ok(whole.gradient.some(Boolean));
      for (const [name, values] of Object.entries(whole.results)) {
        assertRounded(banded.results[name], values, name);
      }
      for (const tensor of [x, residual, bias, before, cotangent]) {
        if (tensor) freeTensor(engine, tensor);
      }
    });
  }

  Deno.test(`an activation's gradient passes back through a weight in bands ${where}`, async () => {
    for (const kind of ["gelu", "swiglu"] as const) {
      const activation: Activation = kind === "gelu" ? { kind, form: "exact" } : { kind };
      const x = memory("x", ROWS, WIDTH, 2);
      const inner = memory("inner", kind === "gelu" ? 16 : 32, WIDTH, 3);
      const cotangent = memory("dy", ROWS, 30, 6);
      const { whole, banded } = await bothWays(engine, { rows: 30, columns: 16 }, 8, (tape, w) => {
        const h = linear(tape, x, inner, { activation });
        const y = linear(tape, h, w);
        backwardFrom(tape, y, cotangent);
        return { y, dx: tape.gradientOf(x), dinner: tape.gradientOf(inner) };
      });
      assert.deepEqual(banded.gradient, whole.gradient);
      for (const [name, values] of Object.entries(whole.results)) {
        assertRounded(banded.results[name], values, `${kind} ${name}`);
      }
      for (const tensor of [x, inner, cotangent]) freeTensor(engine, tensor);
    }
  });

  Deno.test(`embeddings and their gradient in bands are those of the whole ${where}`, async () => {
    const vocabulary = 19;
    const images = memory("images", 2, WIDTH, 2);
    const cotangent = memory("dy", ROWS, WIDTH, 3);
    const mixture = memory("mixture", ROWS, vocabulary, 4);
    const tokens = [0, 3, -1, 4, 18, 7, -2, 8, 3];
    const places = tokens.map((_, i) => i).filter((i) => tokens[i] >= 0)
      .sort((a, b) => tokens[a] - tokens[b] || a - b);
    const starts = Array.from(
      { length: vocabulary + 1 },
      (_, token) => places.filter((i) => tokens[i] < token).length,
    );
    const index = {
      sources: uploadInts(engine, tokens),
      starts: uploadInts(engine, starts),
      places: uploadInts(engine, places),
      imageRows: uploadInts(engine, [2, 6]),
    };
    const picked = uploadInts(engine, [18, -1, 0, 4, 7]);
    const { whole, banded } = await bothWays(
      engine,
      { rows: vocabulary, columns: WIDTH },
      4,
      (tape, w) => {
        const y = embedding(tape, w, images, index, ROWS);
        // The same weight as the output head: its gradient is the sum of both uses.
        const logits = linear(tape, y, w);
        const rows = gatherRows(tape, w, 5, { rowsOf: picked, inverse: picked });
        const mixed = mixEmbeddings(tape, mixture, w);
        tape.accumulate(y, () => cotangent);
        tape.accumulate(mixed, () => mixed);
        backwardFrom(tape, logits, logits);
        return { y, rows, mixed, logits, dimages: tape.gradientOf(images) };
      },
    );
    for (const name of ["y", "rows", "logits"]) {
      assert.deepEqual(banded.results[name], whole.results[name], name);
    }
    for (const name of ["mixed", "dimages"]) {
      assertRounded(banded.results[name], whole.results[name], name);
    }
    assertRounded(banded.gradient, whole.gradient, "dtable");
    for (const tensor of [images, cotangent, mixture]) freeTensor(engine, tensor);
    for (const buffer of [...Object.values(index), picked]) buffer.destroy();
  });
}

Deno.test("a weight is in bands only where the adapter's limits ask for it", async () => {
  const [image, buffer] = await testEngines();
  const limited = (engine: Engine, limits: Partial<GPUSupportedLimits>): Engine => ({
    ...engine,
    device: new Proxy(engine.device, {
      get: (device, name) => {
        if (name === "limits") return { ...plain(device.limits), ...limits };
        const value = Reflect.get(device, name, device);
        return typeof value === "function" ? value.bind(device) : value;
      },
    }),
  });
  const plain = ({
    maxTextureDimension2D,
    maxStorageBufferBindingSize,
    maxBufferSize,
    maxComputeWorkgroupsPerDimension,
  }: GPUSupportedLimits) => ({
    maxTextureDimension2D,
    maxStorageBufferBindingSize,
    maxBufferSize,
    maxComputeWorkgroupsPerDimension,
  });
  const rowsOf = (engine: Engine) => {
    const tensor = weightTensor(engine, "w", { rows: 100, columns: 10 });
    const rows = bandsOf(tensor).map(({ tensor }) => tensor.rows);
    freeTensor(engine, tensor);
    return rows;
  };
  for (const engine of [image, buffer]) assert.deepEqual(rowsOf(engine), [100]);
  // Three texels a row: 48 bytes; 4 rows of a texture that is 7 wide are folded once.
  assert.deepEqual(rowsOf(limited(buffer, { maxStorageBufferBindingSize: 48 * 43 })), [40, 40, 20]);
  assert.deepEqual(rowsOf(limited(buffer, { maxBufferSize: 48 * 99 })), [96, 4]);
  assert.deepEqual(rowsOf(limited(image, { maxTextureDimension2D: 17 })), [80, 20]);
  assert.deepEqual(rowsOf(limited(image, { maxComputeWorkgroupsPerDimension: 64 })), [64, 36]);
  assert.throws(
    () => rowsOf(limited(buffer, { maxStorageBufferBindingSize: 100 })),
    /Cannot allocate rows of 10 numbers/,
  );
  const before = image.memory.bytes;
  const tensor = weightTensor(image, "w", { rows: 10, columns: 4 }, false, 4);
  assert.equal(image.memory.bytes, before + 160);
  assert.equal((await readMatrix(image.device, tensor.bands![2].matrix!)).length, 8);
  assert.throws(() => writeTensor(image, tensor, new Float32Array(39)), /"w" 10 x 4: got 39/);
  freeTensor(image, tensor);
  assert.equal(image.memory.bytes, before);
});
