/**
 * The GPU in tests: one engine for each operand form on one device, and programs in one call.
 *
 * A test that finds no adapter fails: a suite that skips its kernels says nothing about them.
 */
import { openGpu } from "../gpu/adapter.ts";
import { createEngine, type Engine, type StepNumbers, writeStep } from "../gpu/engine.ts";
import { readMatrix, writeMatrix } from "../gpu/memory.ts";
import { defaultPlan, type OperandForm } from "../gpu/plan.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor, ownTensor, type Tensor } from "../gpu/tensor.ts";
import { createTape, keep, type Tape } from "../tensor/tape.ts";

let engines: Promise<Engine[]> | undefined;

/**
 * The engines of this test file, "image" form first; both are tested on every adapter.
 *
 * @throws {Error} If there is no adapter.
 */
export function testEngines(): Promise<Engine[]> {
  return engines ??= openEngines();
}

const FORMS: OperandForm[] = ["image", "buffer"];

async function openEngines(): Promise<Engine[]> {
  const { device, record, plan } = await openGpu({ quiet: true });
  return FORMS.map((form) => createEngine(device, defaultPlan(form, record.software, plan.lanes)));
}

/** A name for tests that run once for each engine. */
export function formOf({ plan }: Engine): string {
  return `on ${plan.form} operands`;
}

/** A tensor with these values, row-major, into which gradients flow. */
export function upload(
  engine: Engine,
  name: string,
  shape: { rows: number; columns: number },
  values: ArrayLike<number>,
): Tensor {
  const tensor = ownTensor(engine, name, shape, true);
  writeMatrix(engine.device, tensor.matrix!, Float32Array.from(values));
  return tensor;
}

/** A square matrix with ones on the diagonal: a product with it is exact. */
export function identity(engine: Engine, columns: number): Tensor {
  const values = new Float32Array(columns * columns);
  for (let i = 0; i < columns; i++) values[i * (columns + 1)] = 1;
  return upload(engine, "identity", { rows: columns, columns }, values);
}

/** A storage buffer with these integers. */
export function uploadInts(engine: Engine, values: ArrayLike<number>): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const size = Math.max(16, 4 * values.length);
  const buffer = engine.device.createBuffer({ size, usage });
  engine.device.queue.writeBuffer(buffer, 0, Int32Array.from(values));
  return buffer;
}

/**
 * Traces a program, runs it once, reads the named tensors back and frees what it allocated.
 * A name whose tensor is undefined, for example a gradient that nothing flowed into, is left out.
 */
export async function runOnce(
  engine: Engine,
  trace: (tape: Tape) => Record<string, Tensor | undefined>,
  step: StepNumbers = {},
): Promise<Record<string, Float32Array>> {
  const tape = createTape(engine);
  const traced = Object.entries(trace(tape))
    .filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  const kept = traced.map(([, tensor]) => tensor).filter((tensor) => !tensor.matrix);
  for (const tensor of kept) keep(tensor);
  const program = compileProgram(engine, tape.commands);
  writeStep(engine, step);
  program.run();
  const results: Record<string, Float32Array> = {};
  for (const [name, tensor] of traced) {
    results[name] = await readMatrix(engine.device, tensor.matrix!);
  }
  program.destroy();
  for (const tensor of kept) freeTensor(engine, tensor);
  return results;
}

/**
 * Runs the backward pass from a given gradient of `y`, as if the loss were sum(y * cotangent).
 * Call it last in a trace.
 */
export function backwardFrom(tape: Tape, y: Tensor, cotangent: Tensor): void {
  tape.accumulate(y, () => cotangent);
  tape.backward();
}
