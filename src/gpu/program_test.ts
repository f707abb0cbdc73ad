import assert from "node:assert/strict";
import { randomValues } from "../reference/random_values.ts";
import { add } from "../tensor/elementwise.ts";
import { matmulNT } from "../tensor/matmul.ts";
import { columnSum } from "../tensor/reduce.ts";
import { createTape, keep, type Tape } from "../tensor/tape.ts";
import { formOf, testEngines, upload } from "../testing/gpu.ts";
import { limitedDevice } from "../testing/limited_device.ts";
import { createEngine } from "./engine.ts";
import { type Kernel, kernelVariant, type MatrixPlace } from "./kernel.ts";
import { bandOf, createMatrix, destroyMatrix, readMatrix, writeMatrix } from "./memory.ts";
import { defaultPlan } from "./plan.ts";
import { compileProgram } from "./program.ts";
import { freeTensor, ownTensor, stateTensor, type Tensor } from "./tensor.ts";

const SHAPE = { rows: 5, columns: 7 };
const BYTES = 5 * 2 * 16;

for (const engine of await testEngines()) {
  const { device } = engine;

  Deno.test(`freed matrices are used again, and results are right ${formOf(engine)}`, async () => {
    const values = Float32Array.from(randomValues(1, 35));
    const x = upload(engine, "x", SHAPE, values);
    const tape = createTape(engine);
    let sum: Tensor = x;
    for (let i = 0; i < 20; i++) sum = add(tape, sum, x);
    keep(sum);
    const before = engine.memory.bytes;
    const program = compileProgram(engine, tape.commands);
    // Each sum reads the one before, so two matrices take turns.
    assert.equal(program.bytes, 2 * BYTES);
    // What is kept outlives the program and is counted apart.
    assert.equal(engine.memory.bytes, before + program.bytes + BYTES);
    assert.equal(program.dispatches, 20);
    const expected = values.slice();
    for (let i = 0; i < 20; i++) {
      values.forEach((value, at) => expected[at] = Math.fround(expected[at] + value));
    }
    for (let time = 0; time < 2; time++) {
      program.run();
      assert.deepEqual(await readMatrix(device, sum.matrix!), expected);
    }
    program.destroy();
    assert.equal(engine.memory.bytes, before + BYTES);
    freeTensor(engine, sum);
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`a matrix that is still to be read keeps its memory ${formOf(engine)}`, async () => {
    const ones = upload(engine, "ones", SHAPE, new Float32Array(35).fill(1));
    const tape = createTape(engine);
    const early = add(tape, ones, ones);
    let late = ones;
    for (let i = 0; i < 6; i++) late = add(tape, late, ones);
    const both = keep(add(tape, early, late));
    const program = compileProgram(engine, tape.commands);
    assert.equal(program.bytes, 3 * BYTES);
    program.run();
    assert.deepEqual(await readMatrix(device, both.matrix!), new Float32Array(35).fill(9));
    program.destroy();
  });

  Deno.test(`memory is handed on only between equal shapes ${formOf(engine)}`, async () => {
    const x = upload(engine, "x", SHAPE, new Float32Array(35).fill(2));
    const tape = createTape(engine);
    const sums = columnSum(tape, add(tape, x, x));
    const twice = keep(add(tape, sums, sums));
    const program = compileProgram(engine, tape.commands);
    assert.equal(program.bytes, BYTES + 2 * 16);
    program.run();
    assert.deepEqual(await readMatrix(device, twice.matrix!), new Float32Array(7).fill(40));
    program.destroy();
  });

  Deno.test(`only operands of products become images ${formOf(engine)}`, () => {
    const x = upload(engine, "x", SHAPE, new Float32Array(35));
    const tape = createTape(engine);
    const factor = add(tape, x, x);
    matmulNT(tape, factor, x);
    const cache = new Map();
    compileProgram({ ...engine, cache }, tape.commands).destroy();
    const places = [...cache.values()].map((kernel: Kernel) => kernel.places);
    const { form } = engine.plan;
    assert.deepEqual(places, [{ x: form, y: form, z: form }, { a: form, b: form, c: "buffer" }]);
  });

  Deno.test(`a program that cannot be recorded says what is missing ${formOf(engine)}`, () => {
    const x = ownTensor(engine, "x", SHAPE);
    const refused = (trace: (tape: Tape) => void, message: string) => {
      const tape = createTape(engine);
      trace(tape);
      assert.throws(() => compileProgram(engine, tape.commands), { name: "RangeError", message });
    };
    const dispatch = { matrices: { x }, sizes: {}, grid: [1, 1] as [number, number] };
    refused(
      (tape) => tape.dispatch("no_such_kernel", dispatch),
      'Cannot make pipeline: there is no kernel "no_such_kernel"',
    );
    refused(
      (tape) =>
        tape.dispatch("add", { ...dispatch, matrices: { x, y: x, z: tape.tensor("z", 5, 7) } }),
      'Cannot dispatch add: size "rows" is missing',
    );
    refused(
      (tape) =>
        tape.dispatch("add", {
          ...dispatch,
          matrices: { x, z: tape.tensor("z", 5, 7) },
          sizes: { rows: 5, width4: 2 },
        }),
      'Cannot dispatch add: matrix "y" is missing',
    );
    refused(
      (tape) =>
        tape.dispatch("gather_rows", {
          ...dispatch,
          matrices: { x, y: tape.tensor("y", 5, 7) },
          sizes: { rows: 5, width4: 2, first: 0, count: 5, column0: 0 },
        }),
      'Cannot record gather_rows: array "rows_of" is missing',
    );
    refused(
      (tape) => add(tape, x, tape.tensor("nothing", 5, 7)),
      'Cannot record program: "nothing" is read but not written before',
    );
  });

  Deno.test(`a kernel variant is compiled once ${formOf(engine)}`, () => {
    const variant = (constants: Record<string, number>, x: MatrixPlace = "buffer") => {
      const places = { x, y: "buffer", base: "buffer" } as const;
      return kernelVariant(device, engine.cache, engine.plan, "column_sum", constants, places);
    };
    assert.equal(variant({}), variant({}));
    assert.notEqual(variant({}), variant({ ADD: 1 }));
    assert.notEqual(variant({}), variant({}, "image"));
    assert.notEqual(variant({}, "image"), variant({}, "folded image"));
    assert.deepEqual(variant({}).operands.map(({ name }) => name), ["x", "y"]);
    assert.deepEqual(variant({ ADD: 1 }).operands.map(({ name }) => name), ["x", "base", "y"]);
  });

  Deno.test(`matrices are read back as they were written ${formOf(engine)}`, async () => {
    const tall = device.limits.maxTextureDimension2D + 5;
    for (const [rows, columns] of [[1, 1], [3, 4], [5, 7], [9, 130], [tall, 3]]) {
      const matrix = createMatrix(device, engine.plan.form, { rows, columns });
      const zeros = await readMatrix(device, matrix);
      assert.ok(zeros.every((value) => value === 0), "a new matrix is zero");
      const values = Float32Array.from(randomValues(rows, rows * columns));
      writeMatrix(device, matrix, values);
      assert.deepEqual(await readMatrix(device, matrix), values, `${rows} x ${columns}`);
      destroyMatrix(matrix);
    }
  });

  Deno.test(`bands of one memory are written and read apart, folded or not ${formOf(engine)}`, async () => {
    const half = Math.ceil(device.limits.maxTextureDimension2D / 2);
    for (const counts of [[3, 1, 5], [half, half, 4]]) {
      const rows = counts.reduce((sum, count) => sum + count);
      const all = createMatrix(device, engine.plan.form, { rows, columns: 3 });
      let first = 0;
      const bands = counts.map((count) => {
        const band = bandOf(all, first, count);
        first += count;
        return { band, values: Float32Array.from(randomValues(count + first, 3 * count)) };
      });
      // Out of order: a band must leave its neighbours alone.
      for (const { band, values } of bands.toReversed()) writeMatrix(device, band, values);
      for (const { band, values } of bands) {
        assert.deepEqual(await readMatrix(device, band), values);
      }
      const joined = bands.flatMap(({ values }) => [...values]);
      assert.deepEqual([...await readMatrix(device, all)], joined);
      destroyMatrix(all);
    }
  });

  Deno.test(`a matrix is not written with another number of values ${formOf(engine)}`, () => {
    const { matrix } = ownTensor(engine, "x", SHAPE);
    assert.throws(() => writeMatrix(device, matrix!, new Float32Array(36)), {
      name: "RangeError",
      message: "Cannot write matrix 5 x 7: got 36 values",
    });
  });
}

Deno.test("an operand that no texture holds stays in a buffer", () => {
  const side = 40;
  const device = limitedDevice({ maxTextureDimension2D: side });
  /** Where a product reads what another kernel made. */
  const placeOf = (rows: number, columns: number) => {
    const engine = createEngine(device, defaultPlan("image", true));
    const tape = createTape(engine);
    const x = stateTensor(engine, "x", { rows, columns });
    matmulNT(tape, add(tape, x, x), stateTensor(engine, "weight", { rows: 3, columns }));
    compileProgram(engine, tape.commands);
    return [...engine.cache.values()].at(-1)!.places.a;
  };
  assert.equal(placeOf(5, 4 * (side - 1)), "image");
  assert.equal(placeOf(5, 4 * side), "buffer");
  // Two folds beside each other.
  assert.equal(placeOf(side, 4 * 19), "folded image");
  assert.equal(placeOf(side, 4 * 20), "buffer");
  // Enough texels to be worth a copy, and whole groups of 256 bytes a row.
  assert.equal(placeOf(39, 4 * 1040), "buffer");
});

Deno.test("a matrix beyond the adapter's limits is refused by name", async () => {
  const [image, buffer] = await testEngines();
  const { maxTextureDimension2D: side, maxStorageBufferBindingSize: bytes } = image.device.limits;
  assert.throws(
    () => createMatrix(image.device, "image", { rows: side, columns: 4 * side + 1 }, "W"),
    { name: "RangeError", message: new RegExp(`Cannot allocate W ${side} x ${4 * side + 1}`) },
  );
  const rows = Math.floor(bytes / 16) + 1;
  assert.throws(
    () => createMatrix(buffer.device, "buffer", { rows, columns: 1 }, "W"),
    { name: "RangeError", message: new RegExp(`Cannot allocate W ${rows} x 1`) },
  );
});
