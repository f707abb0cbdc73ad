/** A frozen vision tower as a program: pictures in, the states of one layer out. */
import { createEngine, type Engine } from "../gpu/engine.ts";
import { imaginaryDevice } from "../gpu/imaginary_device.ts";
import type { Kernel } from "../gpu/kernel.ts";
import { readMatrix } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor } from "../gpu/tensor.ts";
import { type MatrixValues, tensorsOf } from "../nn/matrix_values.ts";
import { createParameters, freeParameters } from "../nn/parameters.ts";
import { createTape, keep } from "../tensor/tape.ts";
import { type ClipVisionConfig, visionTokens } from "./clip_config.ts";
import {
  createVisionInputs,
  destroyVisionInputs,
  visionStates,
  writePixels,
} from "./clip_vision.ts";

/** What a frozen tower is made of. */
export interface ClipTowerOptions {
  config: ClipVisionConfig;
  /** From `packClip`; of at least `layers` layers. */
  weights: ReadonlyMap<string, MatrixValues>;
  /** Layers that are computed: the state that is given is the one behind the last of them. */
  layers: number;
  /** Pictures at a time. */
  batch: number;
}

/** A frozen tower on the device. */
export interface ClipTower {
  /**
   * States of pictures, every token of theirs. Waits for the queue.
   *
   * @param pixels (pictures, 3, S, S), normalised; at most `batch` pictures
   * @returns (pictures, T, d)
   */
  encode(pixels: Float32Array): Promise<Float32Array>;
  /** Frees weights and program. */
  destroy(): void;
}

/** Uploads the weights and compiles the program, which has no backward pass. */
export function createClipTower(
  engine: Engine,
  { config, weights, layers, batch }: ClipTowerOptions,
): ClipTower {
  const parameters = createParameters(
    engine,
    [...weights].map(([name, { rows, columns, data }]) => ({
      name,
      rows,
      columns,
      values: data,
      frozen: true,
    })),
  );
  const inputs = createVisionInputs(engine, config, batch);
  const tape = createTape(engine);
  const tensors = tensorsOf(parameters);
  const output = keep(visionStates(tape, config, tensors, inputs, layers).at(-1)!);
  const program = compileProgram(engine, tape.commands);
  const picture = config.num_channels * config.image_size ** 2;
  const state = visionTokens(config) * config.hidden_size;
  return {
    async encode(pixels) {
      const filled = new Float32Array(batch * picture);
      filled.set(pixels);
      writePixels(engine, config, inputs, filled);
      program.run();
      const states = await readMatrix(engine.device, output.matrix!);
      return states.slice(0, pixels.length / picture * state);
    },
    destroy() {
      program.destroy();
      freeTensor(engine, output);
      destroyVisionInputs(engine, inputs);
      freeParameters(engine, parameters);
    },
  };
}

/** The kernel variants of a tower, found without computing anything; for the self-test. */
export function clipTowerKernels({ device, plan }: Engine, options: ClipTowerOptions): Kernel[] {
  const engine = createEngine(imaginaryDevice(device), plan);
  createClipTower(engine, options);
  return [...engine.cache.values()];
}
