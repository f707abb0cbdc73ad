/**
 * Recorded programs: a list of dispatches over planned memory, replayed without waiting.
 *
 * Tensors of a program are written once and then only read, so a tensor's memory is free again
 * after the last dispatch that reads it. The planner hands freed memory of the same shape on.
 */
import {
  bandOf,
  createMatrix,
  destroyMatrix,
  type DeviceMatrix,
  fitsTexture,
  type Shape,
  width4,
} from "./memory.ts";
import { KERNELS } from "./kernel_files.ts";
import { COPY, copyLargeOperands } from "./operand_images.ts";
import { encodeCopy, profileSteps, type Step, type StepTime } from "./steps.ts";
import {
  isMatrix,
  type KernelCache,
  kernelVariant,
  placeOf,
  sizeWords,
  STEP_BYTES,
} from "./kernel.ts";
import type { KernelPlan, OperandForm } from "./plan.ts";
import type { Constants } from "./template.ts";

/** A matrix of a program: either it has memory of its own or the planner gives it some. */
export interface Tensor extends Shape {
  name: string;
  width4: number;
  /** Memory of its own: parameters, inputs, what is read back. */
  matrix?: DeviceMatrix;
  /** Whether the planner gives it memory of its own, which outlives its program. */
  kept?: boolean;
  /** Whether gradients flow into it. */
  needsGradient: boolean;
  /** In place of `matrix` where no matrix of the device holds it: its rows, see `bands.ts`. */
  bands?: Tensor[];
}

/** One dispatch. */
export interface Command {
  kernel: string;
  constants: Constants;
  matrices: Record<string, Tensor>;
  arrays: Record<string, GPUBuffer>;
  sizes: Record<string, number>;
  /** Workgroups. */
  grid: [number, number];
  /** Floating-point operations, for profiles. */
  flops: number;
}

/** What all programs of one device share. */
export interface Engine {
  device: GPUDevice;
  plan: KernelPlan;
  cache: KernelCache;
  /** Uniform with the numbers of the current step. */
  step: GPUBuffer;
  /** Bytes of live matrices. */
  memory: { bytes: number };
}

/** Makes an engine on a device. */
export function createEngine(device: GPUDevice, plan: KernelPlan): Engine {
  const step = device.createBuffer({
    size: STEP_BYTES,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    label: "step",
  });
  return { device, plan, cache: new Map(), step, memory: { bytes: 0 } };
}

/**
 * The same engine, pipelines and memory included, under another plan.
 *
 * @throws {RangeError} If the plan has another number of lanes, which pipelines are made for.
 */
export function withPlan(engine: Engine, plan: KernelPlan): Engine {
  if (plan.lanes !== engine.plan.lanes) {
    throw new RangeError(
      `Cannot change the kernel plan: it has ${plan.lanes} lanes, the engine ${engine.plan.lanes}`,
    );
  }
  return { ...engine, plan };
}

/** The numbers of a training or decoding step. */
export interface StepNumbers {
  /** Learning rate of each optimiser group. */
  learningRate?: [number, number];
  /** 1 / (1 - beta1^t) and 1 / (1 - beta2^t) of each optimiser group. */
  correction1?: [number, number];
  correction2?: [number, number];
  lambda?: number;
  /** Weight of a token's loss, 1 / (answer tokens of the batch). */
  tokenScale?: number;
  /** Slot of the loss ring, or the number of the token that is decoded. */
  slot?: number;
  /** Steps before this one in the whole run, and the run's seed: what dropout draws its masks from. */
  number?: number;
  seed?: number;
}

/** Writes the step uniform; it takes effect with the next submit. */
export function writeStep(engine: Engine, numbers: StepNumbers): void {
  const { learningRate = [0, 0], correction1 = [1, 1], correction2 = [1, 1] } = numbers;
  const bytes = new ArrayBuffer(STEP_BYTES);
  new Float32Array(bytes).set([
    ...learningRate,
    ...correction1,
    ...correction2,
    numbers.lambda ?? 0,
    numbers.tokenScale ?? 0,
  ]);
  new Uint32Array(bytes).set([numbers.slot ?? 0, numbers.number ?? 0, numbers.seed ?? 0], 8);
  engine.device.queue.writeBuffer(engine.step, 0, bytes);
}

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

/** Plans memory, makes pipelines and bind groups. */
export function compileProgram(engine: Engine, traced: readonly Command[]): Program {
  const { device, plan } = engine;
  const commands = plan.form === "image"
    ? copyLargeOperands(traced, device.limits.maxTextureDimension2D - 1)
    : traced;
  const planned = planMemory(engine, commands);
  const uniforms: ArrayBuffer[] = [];
  const kernels = commands.map((command) => {
    if (command.kernel === COPY) return null;
    const matrices = resolve(command.matrices, planned.matrices);
    const places = Object.fromEntries(
      Object.entries(matrices).map(([name, matrix]) => [name, placeOf(matrix)]),
    );
    const { kernel: name, constants } = command;
    const kernel = kernelVariant(device, engine.cache, plan, name, constants, places);
    uniforms.push(sizeWords(kernel, command.sizes, matrices));
    return kernel;
  });
  const align = Math.max(device.limits.minUniformBufferOffsetAlignment, 16);
  const strideOf = (bytes: number) => Math.ceil(bytes / align) * align;
  const size = uniforms.reduce((sum, words) => sum + strideOf(words.byteLength), 0);
  const uniformBuffer = device.createBuffer({
    size: Math.max(size, 16),
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    label: "sizes",
  });
  let offset = 0;
  let uniform = 0;
  const steps: Step[] = commands.map((command, index) => {
    const kernel = kernels[index];
    if (!kernel) {
      const { from, to } = resolve(command.matrices, planned.matrices);
      return { from, to };
    }
    const words = uniforms[uniform++];
    device.queue.writeBuffer(uniformBuffer, offset, words);
    const entries: GPUBindGroupEntry[] = [{
      binding: 0,
      resource: { buffer: uniformBuffer, offset, size: words.byteLength },
    }];
    offset += strideOf(words.byteLength);
    if (kernel.template.usesStep) entries.push({ binding: 1, resource: { buffer: engine.step } });
    kernel.operands.forEach(({ role, name }, at) => {
      const binding = at + 2;
      if (isMatrix({ role, name })) {
        const matrix = matrixOf(
          command.matrices[name],
          planned.matrices,
          `${command.kernel}.${name}`,
        );
        entries.push({ binding, resource: matrix.view ?? { buffer: matrix.buffer! } });
      } else {
        const buffer = command.arrays[name];
        if (!buffer) {
          throw new RangeError(`Cannot record ${command.kernel}: array "${name}" is missing`);
        }
        entries.push({ binding, resource: { buffer } });
      }
    });
    return {
      kernel,
      group: device.createBindGroup({ layout: kernel.layout, entries }),
      grid: command.grid,
      flops: command.flops,
    };
  });

  function encode(encoder: GPUCommandEncoder): void {
    let pass: GPUComputePassEncoder | undefined;
    for (const step of steps) {
      if ("from" in step) {
        pass?.end();
        pass = undefined;
        encodeCopy(encoder, step);
        continue;
      }
      pass ??= encoder.beginComputePass();
      pass.setPipeline(step.kernel.pipeline);
      pass.setBindGroup(0, step.group);
      pass.dispatchWorkgroups(...step.grid);
    }
    pass?.end();
  }

  return {
    dispatches: traced.length,
    flops: traced.reduce((sum, { flops }) => sum + flops, 0),
    bytes: planned.bytes,
    run() {
      const encoder = device.createCommandEncoder();
      encode(encoder);
      device.queue.submit([encoder.finish()]);
    },
    profile: () => profileSteps(device, steps),
    destroy() {
      for (const matrix of planned.owned) destroyMatrix(matrix);
      engine.memory.bytes -= planned.bytes;
      uniformBuffer.destroy();
    },
  };
}

function matrixOf(
  tensor: Tensor | undefined,
  planned: Map<Tensor, DeviceMatrix>,
  where: string,
): DeviceMatrix {
  const matrix = tensor && (tensor.matrix ?? planned.get(tensor));
  if (!matrix) {
    throw new RangeError(
      `Cannot record ${where}: ${tensor ? `"${tensor.name}" is never written` : "it is missing"}`,
    );
  }
  return matrix;
}

function resolve(
  tensors: Record<string, Tensor>,
  planned: Map<Tensor, DeviceMatrix>,
): Record<string, DeviceMatrix> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, matrixOf(tensor, planned, name)]),
  );
}

/**
 * Gives every tensor without memory of its own some, reusing what is free after its last reader.
 *
 * In a plan of images only what is an operand of some kernel becomes one: on a software adapter an
 * image is read fast and written slowly (3 to 4 times a buffer's time, lavapipe 22.3), so the rest,
 * which is written once and read once or twice, is better off in buffers; and so is what no texture
 * holds, as the logits of a large vocabulary.
 */
function planMemory(
  engine: Engine,
  commands: readonly Command[],
): { matrices: Map<Tensor, DeviceMatrix>; owned: DeviceMatrix[]; bytes: number } {
  const tensorsOf = ({ matrices }: Command) => Object.values(matrices);
  const last = new Map<Tensor, number>();
  commands.forEach((command, index) => {
    for (const tensor of tensorsOf(command)) last.set(tensor, index);
  });
  const operands = new Set(commands.flatMap(operandsOf));
  const formOf = (tensor: Tensor): OperandForm =>
    operands.has(tensor) && fitsTexture(engine.device, tensor) ? engine.plan.form : "buffer";
  const keyOf = (tensor: Tensor) => `${formOf(tensor)} ${tensor.rows} ${tensor.width4}`;
  const matrices = new Map<Tensor, DeviceMatrix>();
  const free = new Map<string, DeviceMatrix[]>();
  const owned: DeviceMatrix[] = [];
  let bytes = 0;
  commands.forEach((command, index) => {
    const used = new Set(tensorsOf(command).filter((tensor) => !tensor.matrix));
    for (const tensor of used) {
      if (matrices.has(tensor)) continue;
      if (!writes(command, tensor)) {
        throw new RangeError(
          `Cannot record program: "${tensor.name}" is read but not written before`,
        );
      }
      if (tensor.kept) {
        tensor.matrix = createMatrix(engine.device, formOf(tensor), tensor, tensor.name);
        engine.memory.bytes += tensor.matrix.bytes;
        continue;
      }
      let matrix = free.get(keyOf(tensor))?.pop();
      if (!matrix) {
        matrix = createMatrix(engine.device, formOf(tensor), tensor, tensor.name);
        owned.push(matrix);
        bytes += matrix.bytes;
      }
      matrices.set(tensor, matrix);
    }
    for (const tensor of used) {
      if (last.get(tensor) !== index || tensor.kept) continue;
      const key = keyOf(tensor);
      free.set(key, [...free.get(key) ?? [], matrices.get(tensor)!]);
    }
  });
  engine.memory.bytes += bytes;
  return { matrices, owned, bytes };
}

function operandsOf({ kernel, matrices }: Command): Tensor[] {
  return (KERNELS.get(kernel)?.operands ?? [])
    .filter(({ role, name }) => role === "operand" && matrices[name])
    .map(({ name }) => matrices[name]);
}

function writes(command: Command, tensor: Tensor): boolean {
  const operands = KERNELS.get(command.kernel)?.operands;
  return operands?.some(({ role, name }) =>
    role === "write" && command.matrices[name] === tensor
  ) ?? true;
}

/**
 * A matrix that kernels change in place, zero at the start. It is a storage buffer on every adapter:
 * WebGPU allows no texture of four float32 channels to be read and written in one dispatch.
 */
export function stateTensor(engine: Engine, name: string, shape: Shape): Tensor {
  const matrix = createMatrix(engine.device, "buffer", shape, name);
  engine.memory.bytes += matrix.bytes;
  const { rows, columns } = shape;
  return { name, rows, columns, width4: width4(columns), matrix, needsGradient: false };
}

/** A tensor with memory of its own, zero at the start. */
export function ownTensor(
  engine: Engine,
  name: string,
  shape: Shape,
  needsGradient = false,
): Tensor {
  const matrix = createMatrix(engine.device, engine.plan.form, shape, name);
  engine.memory.bytes += matrix.bytes;
  return { ...shape, name, width4: width4(shape.columns), matrix, needsGradient };
}

/** Rows of a tensor that has memory of its own, as a tensor. */
export function bandTensor(
  { columns, width4, matrix, needsGradient }: Tensor,
  name: string,
  firstRow: number,
  rows: number,
): Tensor {
  const band = bandOf(matrix!, firstRow, rows);
  return { name, rows, columns, width4, matrix: band, needsGradient };
}

/** Frees the memory of a tensor that has its own; of bands of one tensor, all or none. */
export function freeTensor(engine: Engine, tensor: Tensor): void {
  for (const band of tensor.bands ?? []) freeTensor(engine, band);
  if (!tensor.matrix) return;
  destroyMatrix(tensor.matrix);
  engine.memory.bytes -= tensor.matrix.bytes;
  tensor.matrix = undefined;
}
