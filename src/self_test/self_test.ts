/**
 * The start-up self-test: kernel variants against the float64 reference, on the adapter at hand.
 *
 * Drivers and shader translators have shipped wrong compute results, and a wrong gradient
 * trains quietly. So the numbers are checked where they will be used: same device, same kernel
 * plan, and the very pipelines that a study then trains with.
 */
import { type Engine, writeStep } from "../gpu/engine.ts";
import { compileProgram } from "../gpu/program.ts";
import type { Case } from "./bench.ts";
import { CASES } from "./cases.ts";
import { type Check, describeVariant, isolate, type KernelVariant } from "./isolate.ts";
import { STEP } from "./step.ts";

export type { KernelVariant };

/** How far one kernel variant is off. */
export interface SelfTestResult {
  /** The kernel with what tells the variant from others. */
  kernel: string;
  /** Largest |got - reference| over the largest |reference| of the same quantity; NaN if one is NaN. */
  maxError: number;
  /** Largest error that passes; 0 where the result is a choice. */
  tolerance: number;
  /** Whether the error is within the tolerance. */
  passed: boolean;
}

/**
 * Checks every variant by the case of its kernel. Leaves the pipelines in the engine's cache and no
 * memory behind.
 *
 * @param variants As the programs will ask for them: the values of the cache of an engine on an
 * `imaginaryDevice` that compiled them.
 * @throws {Error} If a kernel has no case, or the adapter refuses one.
 */
export async function selfTest(
  engine: Engine,
  variants: Iterable<KernelVariant>,
): Promise<SelfTestResult[]> {
  return await runCases(engine, [...variants].map((variant) => [variant, caseOf(variant)]));
}

/** Runs each variant on the operands of a case and compares what comes back. */
export async function runCases(
  engine: Engine,
  cases: readonly [KernelVariant, Case][],
): Promise<SelfTestResult[]> {
  const { device } = engine;
  const tested = cases.map(([variant, trace]) => ({
    kernel: describeVariant(variant),
    ...isolate(engine, variant, trace),
  }));
  device.pushErrorScope("validation");
  const program = compileProgram(engine, tested.flatMap(({ commands }) => commands));
  try {
    writeStep(engine, STEP);
    program.run();
    const refused = await device.popErrorScope();
    if (refused) {
      throw new Error(`Cannot run self-test: the adapter refuses a kernel: ${refused.message}`);
    }
    return await Promise.all(tested.map(async ({ kernel, checks }): Promise<SelfTestResult> => {
      // Math.max keeps a NaN.
      const errors = checks.map(async (check) => relativeError(await check.read(), check));
      const maxError = Math.max(...await Promise.all(errors));
      const tolerance = Math.min(...checks.map((check) => check.tolerance));
      return { kernel, maxError, tolerance, passed: maxError <= tolerance };
    }));
  } finally {
    program.destroy();
    for (const { destroy } of tested) destroy();
  }
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

function caseOf({ template: { name } }: KernelVariant): Case {
  const found = CASES[name];
  if (!found) throw new Error(`Cannot check kernel "${name}": the self-test has no case for it`);
  return found;
}

/** Largest error of a quantity, relative to the largest value of the same one. */
export function relativeError(
  got: ArrayLike<number>,
  { expected, quantities = 1 }: Pick<Check, "expected" | "quantities">,
): number {
  if (got.length !== expected.length) return Infinity;
  const errors = new Float64Array(quantities);
  const scales = new Float64Array(quantities);
  for (let i = 0; i < expected.length; i++) {
    const of = i % quantities;
    errors[of] = Math.max(errors[of], Math.abs(got[i] - expected[i]));
    scales[of] = Math.max(scales[of], Math.abs(expected[i]));
  }
  return Math.max(...errors.map((error, of) => error / (scales[of] || 1)));
}
