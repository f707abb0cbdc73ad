/** Training that is stopped and gone on with gives the same bits as training in one go. */
import assert from "node:assert/strict";
import { type Engine, writeStep } from "../gpu/engine.ts";
import { createArray } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor } from "../gpu/tensor.ts";
import { randomValues } from "../reference/random_values.ts";
import { linear } from "../tensor/linear.ts";
import { createTape } from "../tensor/tape.ts";
import { formOf, testEngines, upload } from "../testing/gpu.ts";
import { traceAdamW } from "./adamw.ts";
import { createParameters, freeParameters } from "./parameters.ts";
import { biasCorrection } from "./schedule.ts";
import { readTrainingState, type TrainingState, writeTrainingState } from "./training_state.ts";

const engines = await testEngines();

const BETA1 = 0.9;
const BETA2 = 0.98;

/** Two linear maps behind each other with a frozen gain between them, and their optimiser. */
function createTraining(engine: Engine, seed: number) {
  const shapes: [string, number, number][] = [["first", 6, 5], ["gain", 1, 6], ["second", 7, 6]];
  const parameters = createParameters(
    engine,
    shapes.map(([name, rows, columns], i) => ({
      name,
      rows,
      columns,
      // What is frozen is no part of the state, and the same everywhere.
      values: Float32Array.from(randomValues(name === "gain" ? 1 : seed + i, rows * columns)),
      frozen: name === "gain",
    })),
  );
  const [first, gain, second] = parameters.map(({ tensor }) => tensor);
  const x = upload(engine, "x", { rows: 9, columns: 5 }, randomValues(7, 45));
  const dy = upload(engine, "dy", { rows: 9, columns: 7 }, randomValues(8, 63));
  x.needsGradient = false;
  const ring = createArray(engine.device, 4);
  const tape = createTape(engine);
  const y = linear(tape, linear(tape, x, first, { bias: gain }), second);
  tape.accumulate(y, () => dy);
  tape.backward();
  const settings = { beta1: BETA1, beta2: BETA2, eps: 1e-8, weightDecay: 0.1 };
  const { moments, destroy } = traceAdamW(
    tape,
    [{ parameters, settings, optimizerGroup: 0, clipGroup: 0, clip: 1 }],
    ring,
  );
  const program = compileProgram(engine, tape.commands);
  return {
    parameters,
    moments,
    train(from: number, to: number) {
      for (let step = from; step < to; step++) {
        const correction = (beta: number): [number, number] => [biasCorrection(beta, step + 1), 1];
        writeStep(engine, {
          learningRate: [0.1 / (step + 1), 0],
          correction1: correction(BETA1),
          correction2: correction(BETA2),
        });
        program.run();
      }
    },
    read: () => readTrainingState(engine, parameters, moments),
    write: (state: TrainingState) => writeTrainingState(engine, parameters, moments, state),
    destroy() {
      program.destroy();
      destroy();
      ring.destroy();
      freeParameters(engine, parameters);
      for (const tensor of [x, dy]) freeTensor(engine, tensor);
    },
  };
}

for (const engine of engines) {
  Deno.test(`training goes on from a saved state bit for bit ${formOf(engine)}`, async () => {
    const whole = createTraining(engine, 1);
    whole.train(0, 3);
    const saved = await whole.read();
    whole.train(3, 7);
    const expected = await whole.read();
    whole.destroy();
    // Other first weights, and moments that are not zero: all of it must come from the state.
    const resumed = createTraining(engine, 20);
    resumed.train(0, 2);
    resumed.write(saved);
    resumed.train(3, 7);
    assert.deepEqual(await resumed.read(), expected);
    resumed.destroy();
    assert.notDeepEqual(saved, expected);
  });

  Deno.test(`a state that does not fit changes nothing ${formOf(engine)}`, async () => {
    const training = createTraining(engine, 1);
    training.train(0, 1);
    const before = await training.read();
    assert.deepEqual(
      [...before.keys()].sort(),
      ["first", "second"].flatMap((name) => [`m/${name}`, `parameters/${name}`, `v/${name}`])
        .sort(),
    );
    const state = new Map(
      [...before].map((
        [name, matrix],
      ) => [name, { ...matrix, data: matrix.data.map((x) => x + 1) }]),
    );
    const without = new Map(state);
    without.delete("v/second");
    assert.throws(() => training.write(without), {
      name: "TypeError",
      message: 'Cannot restore training state: it has no "v/second"',
    });
    const other = new Map(state).set("m/second", {
      rows: 6,
      columns: 7,
      data: new Float32Array(42),
    });
    assert.throws(() => training.write(other), {
      name: "RangeError",
      message: 'Cannot restore training state: "m/second" is 6 x 7, the model needs 7 x 6',
    });
    const more = new Map(state).set("m/gain", { rows: 1, columns: 6, data: new Float32Array(6) });
    assert.throws(() => training.write(more), {
      name: "TypeError",
      message: 'Cannot restore training state: nothing is trained as "m/gain"',
    });
    assert.deepEqual(await training.read(), before);
    training.destroy();
  });
}
