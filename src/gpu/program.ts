/** Recorded programs: a list of dispatches over planned memory, replayed without waiting. */
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import { isMatrix, type Kernel, kernelVariant, placeOf, sizeWords } from "./kernel.ts";
import { destroyMatrix, type DeviceMatrix } from "./memory.ts";
import { COPY, copyLargeOperands } from "./operand_images.ts";
import { matricesOf, planMemory } from "./planned_memory.ts";
import { encodeSteps, profileSteps, type Step, type StepTime } from "./steps.ts";

/** A recorded program. */
export interface Program {
  /** Number of dispatches. */
  dispatches: number;
  /** Floating-point operations of its matrix products and attention. */
  flops: number;
  /** Bytes of planned memory. */
  bytes: number;
  /** Encodes and submits the program once; does not wait. */
  run(): void;
  /**
   * Milliseconds of each dispatch by timestamp queries, with its kernel's name; of a copy, the time
   * between its neighbours. Waits for the queue.
   */
  profile(): Promise<StepTime[]>;
  /** Frees the planned memory. */
  destroy(): void;
}

/**
 * Plans memory, makes pipelines and bind groups.
 *
 * @throws {RangeError} If an operand is missing or read before it is written, or memory or a
 * pipeline cannot be made.
 */
export function compileProgram(engine: Engine, traced: readonly Command[]): Program {
  const { device, plan } = engine;
  const commands = plan.form === "image"
    ? copyLargeOperands(traced, device.limits.maxTextureDimension2D - 1)
    : traced;
  const planned = planMemory(engine, commands);
  const align = Math.max(device.limits.minUniformBufferOffsetAlignment, 16);
  let bytes = 0;
  const prepared = commands.map((command) => {
    const matrices = matricesOf(command, planned.matrices);
    if (command.kernel === COPY) return { copy: { from: matrices.from, to: matrices.to } };
    const kernel = variantOf(engine, command, matrices);
    const words = sizeWords(kernel, command.sizes, matrices);
    const offset = bytes;
    bytes += Math.ceil(words.byteLength / align) * align;
    return { command, kernel, matrices, words, offset };
  });
  const sizes = device.createBuffer({
    size: Math.max(bytes, 16),
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    label: "sizes",
  });
  const steps = prepared.map((step): Step => {
    if (step.copy) return step.copy;
    const { command, kernel, matrices, words, offset } = step;
    device.queue.writeBuffer(sizes, offset, words);
    const size = { buffer: sizes, offset, size: words.byteLength };
    const group = bindGroupOf(engine, command, kernel, matrices, size);
    return { kernel, group, grid: command.grid, flops: command.flops };
  });
  return {
    dispatches: traced.length,
    flops: traced.reduce((sum, { flops }) => sum + flops, 0),
    bytes: planned.bytes,
    run() {
      const encoder = device.createCommandEncoder();
      encodeSteps(encoder, steps);
      device.queue.submit([encoder.finish()]);
    },
    profile: () => profileSteps(device, steps),
    destroy() {
      for (const matrix of planned.owned) destroyMatrix(matrix);
      engine.memory.bytes -= planned.bytes;
      sizes.destroy();
    },
  };
}

function variantOf(
  { device, cache, plan }: Engine,
  { kernel, constants }: Command,
  matrices: Readonly<Record<string, DeviceMatrix>>,
): Kernel {
  const places = Object.fromEntries(
    Object.entries(matrices).map(([name, matrix]) => [name, placeOf(matrix)]),
  );
  return kernelVariant(device, cache, plan, kernel, constants, places);
}

function bindGroupOf(
  { device, step }: Engine,
  command: Command,
  { template, layout, operands }: Kernel,
  matrices: Readonly<Record<string, DeviceMatrix>>,
  size: GPUBufferBinding,
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = [{ binding: 0, resource: size }];
  if (template.usesStep) entries.push({ binding: 1, resource: { buffer: step } });
  operands.forEach((operand, index) => {
    const { name } = operand;
    entries.push({
      binding: index + 2,
      resource: isMatrix(operand) ? resourceOf(matrices[name]) : arrayOf(command, name),
    });
  });
  return device.createBindGroup({ layout, entries });
}

function resourceOf({ view, buffer }: DeviceMatrix): GPUBindingResource {
  return view ?? { buffer: buffer! };
}

function arrayOf({ kernel, arrays }: Command, name: string): GPUBufferBinding {
  const buffer = arrays[name];
  if (!buffer) throw new RangeError(`Cannot record ${kernel}: array "${name}" is missing`);
  return { buffer };
}
