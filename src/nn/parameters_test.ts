import assert from "node:assert/strict";
import { createEngine, type Engine, writeStep } from "../gpu/engine.ts";
import { createArray, readMatrix } from "../gpu/memory.ts";
import { defaultPlan } from "../gpu/plan.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor } from "../gpu/tensor.ts";
import { randomValues } from "../reference/random_values.ts";
import { add } from "../tensor/elementwise.ts";
import { linear } from "../tensor/linear.ts";
import { createTape } from "../tensor/tape.ts";
import { formOf, testEngines, upload } from "../testing/gpu.ts";
import { limitedDevice } from "../testing/limited_device.ts";
import { traceAdamW } from "./adamw.ts";
import { mlpSpecs } from "./mlp.ts";
import {
  createParameters,
  drawValues,
  freeParameters,
  type Parameter,
  type ParameterSpec,
  type ParameterValues,
  writeParameter,
} from "./parameters.ts";

const spec = (
  name: string,
  initialisation: ParameterSpec["initialisation"],
  rows = 40,
  columns = 50,
): ParameterSpec => ({
  name,
  rows,
  columns,
  initialisation,
});

Deno.test("values depend on seed and name: no other parameter changes them", () => {
  const p1 = spec("connector.0.weight", { kind: "kaiming-uniform" });
  const first = drawValues(3, p1);
  drawValues(3, spec("objective.0.weight", { kind: "kaiming-uniform" }));
  assert.deepEqual(drawValues(3, p1), first);
  assert.notDeepEqual(drawValues(4, p1), first);
  assert.notDeepEqual(drawValues(3, { ...p1, name: "connector.2.weight" }), first);
});

Deno.test("Kaiming-uniform values fill their bounds and have the variance 2 / fan_in", () => {
  const values = drawValues(1, spec("w", { kind: "kaiming-uniform" }));
  const bound = Math.sqrt(6 / 50);
  assert.ok(values.every((value) => Math.abs(value) <= bound));
  const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  assert.ok(Math.abs(variance / (2 / 50) - 1) < 0.1, `variance ${variance}`);
});

Deno.test("uniform values fill the bound asked for", () => {
  const values = drawValues(1, spec("w", { kind: "uniform", bound: 0.25 }));
  assert.ok(values.every((value) => Math.abs(value) <= 0.25));
  assert.ok(Math.min(...values) < -0.24 && Math.max(...values) > 0.24);
});

Deno.test("a matrix with orthonormal columns keeps lengths, and constants are constant", () => {
  const [rows, columns] = [40, 12];
  const values = drawValues(1, spec("R", { kind: "orthonormal-columns" }, rows, columns));
  const vector = Float64Array.from({ length: columns }, (_, i) => i - 3);
  const lifted = Float64Array.from(
    { length: rows },
    (_, row) => vector.reduce((sum, value, i) => sum + values[row * columns + i] * value, 0),
  );
  const norm = (of: Float64Array) => Math.hypot(...of);
  assert.ok(Math.abs(norm(lifted) / norm(vector) - 1) < 1e-6);
  assert.notDeepEqual(
    drawValues(2, spec("R", { kind: "orthonormal-columns" }, rows, columns)),
    values,
  );
  assert.deepEqual([...drawValues(1, spec("gamma", { kind: "constant", value: 0.5 }, 1, 2))], [
    0.5,
    0.5,
  ]);
});

Deno.test("normal values have the deviation asked for", () => {
  const values = drawValues(1, spec("w", { kind: "normal", deviation: 0.02 }));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
  );
  assert.ok(Math.abs(mean) < 0.002 && Math.abs(deviation / 0.02 - 1) < 0.1, `${mean} ${deviation}`);
});

Deno.test("zeros and ones are just that", () => {
  assert.ok(drawValues(1, spec("b", { kind: "zeros" })).every((value) => value === 0));
  assert.ok(drawValues(1, spec("g", { kind: "ones" })).every((value) => value === 1));
});

Deno.test("an MLP has two layers, (out, in) weights and zero biases", () => {
  assert.deepEqual(
    mlpSpecs("p", { in: 3, hidden: 5, out: 7 }).map((
      { name, rows, columns, initialisation },
    ) => [name, rows, columns, initialisation.kind]),
    [
      ["p.0.weight", 5, 3, "kaiming-uniform"],
      ["p.0.bias", 1, 5, "zeros"],
      ["p.2.weight", 7, 5, "kaiming-uniform"],
      ["p.2.bias", 1, 7, "zeros"],
    ],
  );
});

for (const form of ["image", "buffer"] as const) {
  const width = 10;
  const shape = (name: string, rows: number) => ({
    name,
    rows,
    columns: width,
    values: new Float32Array(width * rows),
  });
  const shapes = [9, 7, 16, 5, 4].map((rows, i) => shape(`p${i}`, rows));
  /** Rows of each update of these parameters, in the order of their memory. */
  const updatesWithin = (limits: Partial<GPUSupportedLimits>, all: ParameterValues[] = shapes) => {
    const engine = createEngine(limitedDevice(limits), defaultPlan(form, true));
    const parameters = createParameters(engine, all);
    const tape = createTape(engine);
    for (const { tensor } of parameters) {
      tape.accumulate(tensor, () => add(tape, tensor, tensor));
    }
    const settings = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1 };
    const group = { parameters, settings, optimizerGroup: 0, clipGroup: 0, clip: 0 } as const;
    const ring = createArray(engine.device, 4);
    const { moments, destroy } = traceAdamW(tape, [group], ring);
    compileProgram(engine, tape.commands).destroy();
    assert.equal(moments.size, all.filter(({ frozen }) => !frozen).length);
    destroy();
    freeParameters(engine, parameters);
    assert.equal(engine.memory.bytes, 0);
    return tape.commands.filter(({ kernel }) => kernel === "adamw").map(({ sizes }) => sizes.rows);
  };

  Deno.test(`parameters of one width that no binding holds together lie in several in ${form} form`, () => {
    const rowBytes = 3 * 16;
    assert.deepEqual(updatesWithin({}), [41]);
    assert.deepEqual(updatesWithin({ maxStorageBufferBindingSize: 20 * rowBytes }), [16, 16, 9]);
    assert.deepEqual(updatesWithin({ maxBufferSize: 16 * rowBytes }), [16, 16, 9]);
    // Two workgroups of eight rows each.
    assert.deepEqual(updatesWithin({ maxComputeWorkgroupsPerDimension: 2 }), [16, 16, 9]);
    // Folds of 9 rows beside each other, of which there are two at most.
    const narrow = { maxTextureDimension2D: 10 };
    assert.deepEqual(updatesWithin(narrow), form === "image" ? [16, 16, 9] : [41]);
  });

  Deno.test(`what is frozen in bands does not stop the optimiser in ${form} form`, () => {
    const frozen = { ...shape("frozen", 17), frozen: true };
    const all = [frozen, ...shapes];
    assert.deepEqual(updatesWithin({ maxComputeWorkgroupsPerDimension: 8 }, all), [41]);
  });

  Deno.test(`a parameter that no binding holds is refused by name in ${form} form`, () => {
    assert.throws(() => updatesWithin({ maxStorageBufferBindingSize: 15 * 48 }), {
      name: "RangeError",
      message: /^Cannot allocate (master )?p2 16 x 10: 768 bytes exceed/,
    });
  });
}

for (const engine of await testEngines()) {
  Deno.test(`frozen parameters pass gradients on and stay as they are ${formOf(engine)}`, async () => {
    const before = engine.memory.bytes;
    const all = await stepOf(engine, []);
    const first = await stepOf(engine, ["second"]);
    assert.deepEqual(all.trained, ["first", "gain", "second"]);
    assert.deepEqual(first.trained, ["first", "gain"]);
    assert.deepEqual(first.after.get("second"), first.before.get("second"));
    assert.notDeepEqual(all.after.get("second"), all.before.get("second"));
    // What is trained learns as if nothing were frozen.
    assert.deepEqual(first.after.get("first"), all.after.get("first"));
    assert.notDeepEqual(first.after.get("first"), first.before.get("first"));
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`nothing is trained where all is frozen ${formOf(engine)}`, async () => {
    const { trained, after, before } = await stepOf(engine, ["first", "gain", "second"]);
    assert.deepEqual(trained, []);
    assert.deepEqual(after, before);
  });

  Deno.test(`a frozen parameter has no memory beside its matrix ${formOf(engine)}`, () => {
    const before = engine.memory.bytes;
    const values = Float32Array.from(randomValues(1, 20));
    const make = (frozen: boolean) =>
      createParameters(engine, [{ name: "w", rows: 5, columns: 4, values, frozen }]);
    const bytesOf = (parameters: Parameter[]) => {
      const bytes = engine.memory.bytes - before;
      freeParameters(engine, parameters);
      return bytes;
    };
    assert.equal(bytesOf(make(true)), 80);
    assert.equal(bytesOf(make(false)), engine.plan.form === "image" ? 160 : 80);
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`rows decay, a single one only where it is asked for ${formOf(engine)}`, () => {
    const shapes = [{ rows: 2 }, { rows: 1 }, { rows: 1, decay: true }, { rows: 2, decay: false }];
    const made = createParameters(
      engine,
      shapes.map((shape, i) => ({
        ...shape,
        name: `p${i}`,
        columns: 4,
        values: new Float32Array(4 * shape.rows),
      })),
    );
    assert.deepEqual(made.map(({ decay }) => decay), [true, false, true, false]);
    freeParameters(engine, made);
  });

  Deno.test(`a frozen parameter can be given other values ${formOf(engine)}`, async () => {
    const values = Float32Array.from(randomValues(2, 15));
    const made = createParameters(
      engine,
      ["a", "b"].map((name) => ({ name, rows: 3, columns: 5, values, frozen: name === "b" })),
    );
    const other = values.map((value) => value + 1);
    writeParameter(engine, made[1], other);
    const read = await Promise.all(
      made.map(({ tensor }) => readMatrix(engine.device, tensor.matrix!)),
    );
    assert.deepEqual(read, [values, other]);
    freeParameters(engine, made);
  });
}

/** One optimiser step on the weights of two linear maps, and which of them it trained. */
async function stepOf(engine: Engine, frozen: string[]) {
  const shapes: [string, number, number][] = [["first", 6, 5], ["gain", 1, 6], ["second", 7, 6]];
  const parameters = createParameters(
    engine,
    shapes.map(([name, rows, columns], i) => ({
      name,
      rows,
      columns,
      values: Float32Array.from(randomValues(i, rows * columns)),
      frozen: frozen.includes(name),
    })),
  );
  const values = async () =>
    new Map(
      await Promise.all(
        parameters.map(async ({ name, tensor }) =>
          [name, await readMatrix(engine.device, tensor.matrix!)] as const
        ),
      ),
    );
  const before = await values();
  const [first, gain, second] = parameters.map(({ tensor }) => tensor);
  const x = upload(engine, "x", { rows: 9, columns: 5 }, randomValues(7, 45));
  const dy = upload(engine, "dy", { rows: 9, columns: 7 }, randomValues(8, 63));
  x.needsGradient = false;
  const tape = createTape(engine);
  const ring = createArray(engine.device, 4);
  const y = linear(tape, linear(tape, x, first, { bias: gain }), second);
  tape.accumulate(y, () => dy);
  tape.backward();
  const settings = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1 };
  // Without clipping, which would see the norm of all that is trained.
  const group = { parameters, settings, optimizerGroup: 0, clipGroup: 0, clip: 0 } as const;
  const { moments, destroy } = traceAdamW(tape, [group], ring);
  const program = compileProgram(engine, tape.commands);
  writeStep(engine, { learningRate: [0.1, 0] });
  program.run();
  const after = await values();
  program.destroy();
  destroy();
  ring.destroy();
  freeParameters(engine, parameters);
  for (const tensor of [x, dy]) freeTensor(engine, tensor);
  return { before, after, trained: [...moments.keys()].sort() };
}
