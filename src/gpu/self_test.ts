/**
 * The start-up self-test: every main kernel against the float64 reference, on the adapter at hand.
 *
 * Drivers and shader translators have shipped wrong compute results, and a wrong gradient
 * trains quietly. So the numbers are checked where they will be used: same device, same kernel
 * plan, and the very pipelines that the default model then trains with.
 */
import { takeColumns } from "../testing/heads.ts";
import { createTape, keep } from "../tensor/tape.ts";
import { readBuffer, readMatrix } from "./memory.ts";
import { compileProgram, type Engine, freeTensor, writeStep } from "./program.ts";
import { adamwCase } from "./self_test/adamw.ts";
import { createBench, type Expectation } from "./self_test/bench.ts";
import { argmaxCase, embeddingCases, gatherCase } from "./self_test/embedding.ts";
import { attentionCases, ropeCase } from "./self_test/heads.ts";
import { rmsNormCases, swigluCase } from "./self_test/layers.ts";
import { cosineCases, crossEntropyCase } from "./self_test/losses.ts";
import { elementwiseCases, productCases } from "./self_test/products.ts";
import { STEP } from "./self_test/step.ts";

/** Every kernel gets operands of its own, so that a wrong one does not make the next look wrong. */
const CASES = [
  productCases,
  elementwiseCases,
  rmsNormCases,
  swigluCase,
  ropeCase,
  attentionCases,
  embeddingCases,
  gatherCase,
  argmaxCase,
  crossEntropyCase,
  cosineCases,
];

/** How far one kernel variant is off. */
export interface SelfTestResult {
  /** The kernel and, behind it, the epilogue or gradient that its variant adds. */
  kernel: string;
  /** Largest |got - reference| over the largest |reference| of the same output; NaN if one is NaN. */
  maxError: number;
  /** Largest error that passes; 0 where the result is a choice. */
  tolerance: number;
  /** Whether the error is within the tolerance. */
  passed: boolean;
}

/**
 * Runs every case as one program and compares what comes back. Leaves the pipelines in the engine's
 * cache and no memory behind.
 *
 * @throws {Error} If the adapter refuses a kernel.
 */
export async function selfTest(engine: Engine): Promise<SelfTestResult[]> {
  const { device } = engine;
  const tape = createTape(engine);
  const bench = createBench(tape);
  for (const trace of CASES) trace(bench);
  tape.backward();
  adamwCase(bench);
  const { expectations } = bench;
  for (const { source } of expectations) if ("tensor" in source) keep(engine, source.tensor());

  device.pushErrorScope("validation");
  const program = compileProgram(engine, tape.commands);
  writeStep(engine, STEP);
  program.run();
  const refused = await device.popErrorScope();
  if (refused) {
    throw new Error(`Cannot run self-test: the adapter refuses a kernel: ${refused.message}`);
  }

  const results = new Map<string, SelfTestResult>();
  const values = await Promise.all(expectations.map((expectation) => read(engine, expectation)));
  expectations.forEach(({ kernel, expected, tolerance }, i) => {
    // Math.max keeps a NaN.
    const maxError = Math.max(
      relativeError(values[i], expected),
      results.get(kernel)?.maxError ?? 0,
    );
    results.set(kernel, { kernel, maxError, tolerance, passed: maxError <= tolerance });
  });

  program.destroy();
  for (const { source } of expectations) {
    if ("tensor" in source) freeTensor(engine, source.tensor());
  }
  bench.destroy();
  return [...results.values()];
}

/**
 * Refuses to go on with wrong numbers.
 *
 * @throws {Error} If a kernel failed, naming all that did.
 */
export function assertSelfTest(results: readonly SelfTestResult[]): void {
  const failed = results.filter(({ passed }) => !passed);
  if (failed.length === 0) return;
  const list = failed.map(({ kernel, maxError, tolerance }) =>
    `${kernel} (off by ${maxError.toExponential(1)}, allowed ${tolerance.toExponential(1)})`
  );
  throw new Error(`Cannot train on this adapter: the self-test failed for ${list.join(", ")}`);
}

async function read(
  { device }: Engine,
  { source, expected }: Expectation,
): Promise<ArrayLike<number>> {
  if ("tensor" in source) {
    const { matrix, columns } = source.tensor();
    const values = await readMatrix(device, matrix!);
    return source.columns ? takeColumns(values, columns, ...source.columns) : values;
  }
  const Type = source.type === "i32" ? Int32Array : Float32Array;
  return new Type(await readBuffer(device, source.array), 4 * source.first, expected.length);
}

function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Infinity;
  let error = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Math.abs(got[i] - expected[i]));
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return error / (scale || 1);
}
