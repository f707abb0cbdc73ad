/** The optimiser against the golden runs, on both operand forms, and what clipping must not touch. */
import assert from "node:assert/strict";
import { type Engine, writeStep } from "../gpu/engine.ts";
import { createArray, readBuffer, readMatrix, writeMatrix } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { randomValues } from "../reference/random_values.ts";
import { add } from "../tensor/elementwise.ts";
import { createTape, type Tape } from "../tensor/tape.ts";
import {
  goldenFloat64,
  goldenTensor,
  goldenTolerance,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { formOf, testEngines, upload } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { type ParameterGroup, traceAdamW } from "./adamw.ts";
import { createParameters, freeParameters } from "./parameters.ts";
import { biasCorrection, warmupCosine } from "./schedule.ts";

interface GoldenGroup {
  params: string[];
  lr: number;
  weight_decay: number;
  beta1: number;
  beta2: number;
  eps: number;
}

const engines = await testEngines();

for (const engine of engines) {
  for (const name of listGolden("adamw")) {
    Deno.test(`the optimiser gives the golden AdamW run ${name} ${formOf(engine)}`, async () => {
      const golden = readGolden("adamw", name);
      const { steps, warmup_steps: warmup, clip_global_norm: clip } = golden.json;
      const groups: GoldenGroup[] = golden.json.groups;
      const at = (tensor: string, step: number, parameter: string) => {
        const size = goldenTensor(golden, `m.${parameter}`).data.length;
        return goldenFloat64(golden, `${tensor}.${parameter}`)
          .subarray(step * size, (step + 1) * size);
      };
      const names = groups.flatMap(({ params }) => params);
      const shapeOf = (parameter: string) => {
        const [columns, rows = 1] = goldenTensor(golden, `m.${parameter}`).shape.toReversed();
        return { rows, columns };
      };
      const made = createParameters(
        engine,
        names.map((name) => ({
          name,
          ...shapeOf(name),
          values: Float32Array.from(at("params", 0, name)),
        })),
      );
      const weights = new Map(made.map((parameter) => [parameter.name, parameter]));
      const gradients = new Map(
        names.map((name) => [name, upload(engine, name, shapeOf(name), at("grads", 0, name))]),
      );

      const optimizer = compileOptimizer(
        engine,
        gradients,
        groups.map((group, index) => ({
          parameters: group.params.map((name) => ({ ...weights.get(name)!, decay: true })),
          settings: { ...group, weightDecay: group.weight_decay },
          optimizerGroup: index as 0 | 1,
          clipGroup: 0,
          clip: clip ?? 0,
        })),
      );
      const tolerance = (key: string) => goldenTolerance(golden.json, key);
      const pair = (of: (group: GoldenGroup) => number): [number, number] => [
        of(groups[0]),
        of(groups.at(-1)!),
      ];
      for (let step = 0; step < steps; step++) {
        const learningRate = pair(({ lr }) => lr * warmupCosine(step, steps, warmup));
        const expectedRates = goldenFloat64(golden, "lr")
          .subarray(step * groups.length, (step + 1) * groups.length);
        const rates = learningRate.slice(0, groups.length);
        assertClose(rates, expectedRates, tolerance("lr"), `lr at step ${step}`);
        for (const [parameter, { matrix }] of gradients) {
          writeMatrix(engine.device, matrix!, Float32Array.from(at("grads", step, parameter)));
        }
        writeStep(engine, {
          learningRate,
          correction1: pair(({ beta1 }) => biasCorrection(beta1, step + 1)),
          correction2: pair(({ beta2 }) => biasCorrection(beta2, step + 1)),
        });
        optimizer.program.run();
        const norm = goldenFloat64(golden, "total_norm").subarray(step, step + 1);
        const [, , got] = await optimizer.losses();
        assertClose([got], norm, tolerance("total_norm"), `norm at step ${step}`);
        for (const [parameter, { tensor, master }] of weights) {
          const label = `${parameter} after step ${step}`;
          const value = await readMatrix(engine.device, tensor.matrix!);
          assertClose(value, at("params", step + 1, parameter), tolerance("params"), label);
          assert.deepEqual(await readMatrix(engine.device, master.matrix!), value);
        }
      }
      for (const [parameter, { m, v }] of optimizer.moments) {
        for (const [key, tensor] of Object.entries({ m, v })) {
          const value = await readMatrix(engine.device, tensor.matrix!);
          const expected = goldenFloat64(golden, `${key}.${parameter}`);
          assertClose(value, expected, tolerance(key), `${key}.${parameter}`);
        }
      }
      assert.deepEqual([...optimizer.moments.keys()].sort(), names.sort());
    });
  }

  Deno.test(`groups are clipped by their own norm only ${formOf(engine)}`, async () => {
    /** The weight of the first group after one step beside a second group's gradient. */
    const stepBeside = async (size: number, clipGroup: 0 | 1) => {
      const shape = { rows: 5, columns: 7 };
      const names = ["first", "second"];
      const weights = createParameters(
        engine,
        names.map((name, i) => ({
          name,
          ...shape,
          values: Float32Array.from(randomValues(i, 35)),
        })),
      );
      const gradients = new Map([
        ["first", upload(engine, "d first", shape, randomValues(2, 35))],
        ["second", upload(engine, "d second", shape, randomValues(3, 35, size))],
      ]);
      const { program, losses } = compileOptimizer(
        engine,
        gradients,
        names.map((_, index) => ({
          parameters: [weights[index]],
          // A large eps: without it one step's size would not depend on the gradient's.
          settings: { beta1: 0.9, beta2: 0.99, eps: 1, weightDecay: 0.1 },
          optimizerGroup: index as 0 | 1,
          clipGroup: index === 0 ? 0 : clipGroup,
          clip: 1,
        })),
      );
      writeStep(engine, { learningRate: [0.1, 0.1] });
      program.run();
      const norms = (await losses()).subarray(2, 4);
      return { weight: await readMatrix(engine.device, weights[0].tensor.matrix!), norms };
    };
    const quiet = await stepBeside(1e-3, 1);
    const loud = await stepBeside(1e3, 1);
    assert.deepEqual(loud.weight, quiet.weight);
    assert.equal(loud.norms[0], quiet.norms[0]);
    assert.ok(loud.norms[0] > 1 && loud.norms[1] > 1000, "both norms exceed the clip");
    // In one clip group the second gradient does shrink the first group's step.
    assert.notDeepEqual((await stepBeside(1e3, 0)).weight, quiet.weight);
  });

  Deno.test(`weights decay at their own group's rate, others not at all ${formOf(engine)}`, async () => {
    const shape = { rows: 5, columns: 7 };
    const names = ["first", "second", "bias"];
    const values = names.map((_, i) => Float32Array.from(randomValues(i, 35)));
    const weights = createParameters(
      engine,
      names.map((name, i) => ({ name, ...shape, values: values[i], decay: name !== "bias" })),
    );
    // Without a gradient's share of the update only decay is left of it.
    const zero = new Float64Array(35);
    const gradients = new Map(names.map((name) => [name, upload(engine, name, shape, zero)]));
    const { program } = compileOptimizer(
      engine,
      gradients,
      [[weights[0]], [weights[1], weights[2]]].map((parameters, index) => ({
        parameters,
        settings: { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: [0.5, 0.25][index] },
        optimizerGroup: index as 0 | 1,
        clipGroup: 0,
        clip: 0,
      })),
    );
    writeStep(engine, { learningRate: [0.1, 0.8] });
    program.run();
    for (const [i, left] of [1 - 0.1 * 0.5, 1 - 0.8 * 0.25, 1].entries()) {
      const expected = values[i].map((value) => value * left);
      const value = await readMatrix(engine.device, weights[i].tensor.matrix!);
      assertClose(value, expected, { atol: 1e-7, rtol: 1e-6 }, names[i]);
    }
  });

  Deno.test(`parameters of one width are updated in one dispatch, as if alone ${formOf(engine)}`, async () => {
    const shapes = [5, 1, 9, 3].map((rows, i) => ({ name: `p${i}`, rows, columns: 10 - i % 2 }));
    const values = shapes.map(({ rows, columns }, i) =>
      Float32Array.from(randomValues(i, rows * columns))
    );
    const settings = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1 };
    const given = shapes.map((shape, i) => ({ ...shape, values: values[i] }));
    /** The weights after one step whose gradients are the weights twice over. */
    const step = async (together: boolean) => {
      const parameters = together
        ? createParameters(engine, given)
        : given.flatMap((one) => createParameters(engine, [one]));
      const tape = createTape(engine);
      for (const { tensor } of parameters) {
        const gradient = doubled(tape, tensor);
        tape.accumulate(tensor, () => gradient);
      }
      // Without clipping: the order in which squares are added up is another.
      const group = { parameters, settings, optimizerGroup: 0, clipGroup: 0, clip: 0 } as const;
      const ring = createArray(engine.device, 4);
      const { moments, destroy } = traceAdamW(tape, [group], ring);
      const program = compileProgram(engine, tape.commands);
      writeStep(engine, { learningRate: [0.1, 0] });
      program.run();
      const read = (tensor: Tensor) => readMatrix(engine.device, tensor.matrix!);
      const after = await Promise.all(parameters.map(({ tensor }) => read(tensor)));
      const first = await Promise.all(parameters.map(({ name }) => read(moments.get(name)!.m)));
      const updates = tape.commands.filter(({ kernel }) => kernel === "adamw").length;
      program.destroy();
      destroy();
      freeParameters(engine, parameters);
      return { after, first, updates };
    };
    const before = engine.memory.bytes;
    const [stacked, alone] = [await step(true), await step(false)];
    assert.equal(engine.memory.bytes, before);
    assert.deepEqual([stacked.updates, alone.updates], [3, 4]);
    assert.deepEqual(stacked.after, alone.after);
    assert.deepEqual(stacked.first, alone.first);
    stacked.after.forEach((after, i) => assert.notDeepEqual(after, values[i]));
  });
}

/** Twice a tensor, as something that the planner gives memory to. */
const doubled = (tape: Tape, tensor: Tensor) => add(tape, tensor, tensor);

/** A program of nothing but the optimiser, over gradients that are uploaded. */
function compileOptimizer(
  engine: Engine,
  gradients: ReadonlyMap<string, Tensor>,
  groups: ParameterGroup[],
) {
  const ring = createArray(engine.device, 4);
  const tape = createTape(engine);
  for (const { name, tensor } of groups.flatMap(({ parameters }) => parameters)) {
    tape.accumulate(tensor, () => gradients.get(name)!);
  }
  const { moments } = traceAdamW(tape, groups, ring);
  return {
    program: compileProgram(engine, tape.commands),
    moments,
    losses: async () => new Float32Array(await readBuffer(engine.device, ring)),
  };
}
