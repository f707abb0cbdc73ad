/**
 * Recorded programs: a list of dispatches over planned memory, replayed without waiting.
 *
 * Tensors of a program are written once and then only read, so a tensor's memory is free again
 * after the last dispatch that reads it. The planner hands freed memory of the same shape on.
 */
import { createMatrix, destroyMatrix, type DeviceMatrix, type Shape, width4 } from "./memory.ts";
import { KERNELS } from "./kernel_files.ts";
import {
  isMatrix,
  type Kernel,
  type KernelCache,
  kernelVariant,
  sizeWords,
  STEP_BYTES,
} from "./kernel.ts";
import type { KernelPlan } from "./plan.ts";
import type { Constants } from "./template.ts";

/** A matrix of a program: either it has memory of its own or the planner gives it some. */
export interface Tensor extends Shape {
  name: string;
  width4: number;
  /** Memory of its own: parameters, inputs, what is read back. */
  matrix?: DeviceMatrix;
  /** Whether gradients flow into it. */
  needsGradient: boolean;
}

/** One dispatch, or one copy between matrices of the same shape. */
export type Command =
  | {
    kind: "dispatch";
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
  | { kind: "copy"; from: Tensor; to: Tensor };

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
  new Uint32Array(bytes)[8] = numbers.slot ?? 0;
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
  /** Milliseconds of each dispatch by timestamp queries, with its kernel's name. Waits for the queue. */
  profile(): Promise<{ kernel: string; milliseconds: number; flops: number }[]>;
  /** Frees the planned memory. */
  destroy(): void;
}

interface Bound {
  kernel: Kernel;
  group: GPUBindGroup;
  grid: [number, number];
  flops: number;
}

/** Plans memory, makes pipelines and bind groups. */
export function compileProgram(engine: Engine, commands: readonly Command[]): Program {
  const { device, plan } = engine;
  const planned = planMemory(engine, commands);
  const uniforms: ArrayBuffer[] = [];
  const kernels: (Kernel | null)[] = commands.map((command) => {
    if (command.kind === "copy") return null;
    const matrices = resolve(command.matrices, planned.matrices);
    const folded = new Set(
      Object.keys(matrices).filter((name) => matrices[name].rows > matrices[name].foldRows),
    );
    const kernel = kernelVariant(
      device,
      engine.cache,
      plan,
      command.kernel,
      command.constants,
      folded,
    );
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
  let offset = 0, uniform = 0;
  const steps: (Bound | Extract<Command, { kind: "copy" }>)[] = commands.map((command, index) => {
    if (command.kind === "copy") return command;
    const kernel = kernels[index]!;
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
      if ("kind" in step) {
        pass?.end();
        pass = undefined;
        copyMatrix(
          encoder,
          matrixOf(step.from, planned.matrices, "copy"),
          matrixOf(step.to, planned.matrices, "copy"),
        );
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
    dispatches: steps.filter((step) => !("kind" in step)).length,
    flops: commands.reduce(
      (sum, command) => sum + (command.kind === "dispatch" ? command.flops : 0),
      0,
    ),
    bytes: planned.bytes,
    run() {
      const encoder = device.createCommandEncoder();
      encode(encoder);
      device.queue.submit([encoder.finish()]);
    },
    profile: () => profileSteps(device, steps.filter((step): step is Bound => !("kind" in step))),
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

/** Gives every tensor without memory of its own some, reusing what is free after its last reader. */
function planMemory(
  engine: Engine,
  commands: readonly Command[],
): { matrices: Map<Tensor, DeviceMatrix>; owned: DeviceMatrix[]; bytes: number } {
  const tensorsOf = (command: Command) =>
    command.kind === "copy" ? [command.from, command.to] : Object.values(command.matrices);
  const last = new Map<Tensor, number>();
  commands.forEach((command, index) => {
    for (const tensor of tensorsOf(command)) last.set(tensor, index);
  });
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
      let matrix = free.get(`${tensor.rows} ${tensor.width4}`)?.pop();
      if (!matrix) {
        matrix = createMatrix(engine.device, engine.plan.form, tensor, tensor.name);
        owned.push(matrix);
        bytes += matrix.bytes;
      }
      matrices.set(tensor, matrix);
    }
    for (const tensor of used) {
      if (last.get(tensor) !== index) continue;
      const key = `${tensor.rows} ${tensor.width4}`;
      free.set(key, [...free.get(key) ?? [], matrices.get(tensor)!]);
    }
  });
  engine.memory.bytes += bytes;
  return { matrices, owned, bytes };
}

function writes(command: Command, tensor: Tensor): boolean {
  if (command.kind === "copy") return command.to === tensor;
  const operands = KERNELS.get(command.kernel)?.operands;
  return operands?.some(({ role, name }) =>
    role === "write" && command.matrices[name] === tensor
  ) ?? true;
}

function copyMatrix(encoder: GPUCommandEncoder, from: DeviceMatrix, to: DeviceMatrix): void {
  if (from.texture) {
    const size: [number, number] = [from.texture.width, from.texture.height];
    encoder.copyTextureToTexture({ texture: from.texture }, { texture: to.texture! }, size);
  } else {
    encoder.copyBufferToBuffer(from.buffer!, 0, to.buffer!, 0, from.bytes);
  }
}

async function profileSteps(
  device: GPUDevice,
  steps: Bound[],
): Promise<{ kernel: string; milliseconds: number; flops: number }[]> {
  const count = 2 * steps.length;
  const queries = device.createQuerySet({ type: "timestamp", count });
  const resolved = device.createBuffer({
    size: count * 8,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const staging = device.createBuffer({
    size: count * 8,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = device.createCommandEncoder();
  steps.forEach((step, index) => {
    const pass = encoder.beginComputePass({
      timestampWrites: {
        querySet: queries,
        beginningOfPassWriteIndex: 2 * index,
        endOfPassWriteIndex: 2 * index + 1,
      },
    });
    pass.setPipeline(step.kernel.pipeline);
    pass.setBindGroup(0, step.group);
    pass.dispatchWorkgroups(...step.grid);
    pass.end();
  });
  encoder.resolveQuerySet(queries, 0, count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const times = new BigUint64Array(staging.getMappedRange().slice(0));
  staging.unmap();
  for (const resource of [queries, resolved, staging]) resource.destroy();
  return steps.map((step, index) => ({
    kernel: step.kernel.template.name,
    milliseconds: Number(times[2 * index + 1] - times[2 * index]) / 1e6,
    flops: step.flops,
  }));
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

/** Frees the memory of a tensor that has its own. */
export function freeTensor(engine: Engine, tensor: Tensor): void {
  if (!tensor.matrix) return;
  destroyMatrix(tensor.matrix);
  engine.memory.bytes -= tensor.matrix.bytes;
  tensor.matrix = undefined;
}
