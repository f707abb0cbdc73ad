/**
 * Are embeddings stable under a further transformation? A P2 that no arm has trained is trained on
 * them, the same way for every arm.
 *
 * The L_cos of an arm is measured with the P2 that grew up with it, and arms without one have none.
 * This number all arms have. It is high after a collapse too: to be read beside the average cosine.
 */
import type { EmbeddingMatrix } from "../evaluation/embedding_matrix.ts";
import { ridgeSettings } from "../evaluation/ridge_recovery.ts";
import { type Engine, writeStep } from "../gpu/engine.ts";
import { readMatrix, type Shape, writeMatrix } from "../gpu/memory.ts";
import { compileProgram, type Program } from "../gpu/program.ts";
import { freeTensor, ownTensor, type Tensor } from "../gpu/tensor.ts";
import { traceAdamW } from "../nn/adamw.ts";
import { createLossRing } from "../nn/loss_ring.ts";
import { tensorsOf } from "../nn/matrix_values.ts";
import { mlp, mlpSpecs } from "../nn/mlp.ts";
import { createParameters, drawValues, freeParameters } from "../nn/parameters.ts";
import { biasCorrection } from "../nn/schedule.ts";
import { cosineLoss } from "../tensor/losses.ts";
import { createTape, keep } from "../tensor/tape.ts";

const STEPS = 200;
const LEARNING_RATE = 1e-3;
const ADAMW = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 };

/** Column of the cosine in what `cosineLoss` gives. */
const COSINE = 1;

/**
 * Mean cos(z, P2(z)) over the last quarter of the rows, of a P2 (d -> d) that learnt 1 - cos(z, P2(z))
 * on the others: 200 steps of AdamW at 1e-3, all rows at once. z is fixed; P2's first values are those
 * of the seed, the same for every arm. Waits for the queue.
 *
 * @param z image tokens behind P1, picture after picture, (tokens, d)
 * @throws {RangeError} with fewer than 2 rows
 */
export async function freshP2Cosine(
  engine: Engine,
  z: EmbeddingMatrix,
  seed: number,
): Promise<number> {
  const { rows, cols: columns } = z;
  const fresh = compileFreshP2(engine, { rows, columns }, seed);
  const { seen, unseen, step, test, tested } = fresh;
  writeMatrix(
    engine.device,
    seen.matrix!,
    Float32Array.from(z.data.subarray(0, seen.rows * columns)),
  );
  writeMatrix(
    engine.device,
    unseen.matrix!,
    Float32Array.from(z.data.subarray(seen.rows * columns)),
  );
  for (let number = 0; number < STEPS; number++) {
    const [c1, c2] = [ADAMW.beta1, ADAMW.beta2].map((beta) => biasCorrection(beta, number + 1));
    writeStep(engine, {
      learningRate: [LEARNING_RATE, 0],
      correction1: [c1, c1],
      correction2: [c2, c2],
      lambda: 1,
      number,
    });
    step.run();
  }
  test.run();
  const values = await readMatrix(engine.device, tested.matrix!);
  fresh.destroy();
  const cosines = values.filter((_, i) => i % tested.columns === COSINE);
  return cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
}

/** What trains and tests a P2. */
interface FreshP2 {
  /** Rows that it learns from, (first rows, d), and the rest, (other rows, d). */
  seen: Tensor;
  unseen: Tensor;
  /** A step of training, and the test. */
  step: Program;
  test: Program;
  /** What `cosineLoss` gives of the test. */
  tested: Tensor;
  destroy(): void;
}

/**
 * Compiles what {@linkcode freshP2Cosine} runs.
 *
 * @param shape of z
 * @throws {RangeError} with fewer than 2 rows
 */
export function compileFreshP2(engine: Engine, { rows, columns }: Shape, seed: number): FreshP2 {
  const { trainRows } = ridgeSettings(rows);
  const seen = ownTensor(engine, "z", { rows: trainRows, columns }, false);
  const unseen = ownTensor(engine, "z", { rows: rows - trainRows, columns }, false);
  const specs = mlpSpecs("P2", { in: columns, hidden: columns, out: columns });
  const parameters = createParameters(
    engine,
    specs.map((spec) => ({
      ...spec,
      values: drawValues(seed, { ...spec, name: `fresh ${spec.name}` }),
    })),
  );
  const p2 = tensorsOf(parameters);

  const training = createTape(engine);
  const ring = createLossRing(engine.device);
  cosineLoss(training, mlp(training, "P2", seen, p2), seen);
  training.backward();
  const optimizer = traceAdamW(training, [{
    parameters,
    settings: ADAMW,
    optimizerGroup: 0,
    clipGroup: 0,
    clip: 0,
  }], ring.buffer);
  const step = compileProgram(engine, training.commands);
  const testing = createTape(engine);
  const tested = keep(cosineLoss(testing, mlp(testing, "P2", unseen, p2), unseen));
  const test = compileProgram(engine, testing.commands);
  return {
    seen,
    unseen,
    step,
    test,
    tested,
    destroy() {
      for (const program of [step, test]) program.destroy();
      optimizer.destroy();
      ring.destroy();
      freeParameters(engine, parameters);
      for (const tensor of [seen, unseen, tested]) freeTensor(engine, tensor);
    },
  };
}
