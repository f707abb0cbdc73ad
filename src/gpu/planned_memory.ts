/**
 * The memory of a program's tensors.
 *
 * Tensors of a program are written once and then only read, so a tensor's memory is free again
 * after the last dispatch that reads it. The planner hands freed memory of the same shape on.
 */
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import { KERNELS } from "./kernel_files.ts";
import { createMatrix, type DeviceMatrix, fitsTexture } from "./memory.ts";
import type { OperandForm } from "./plan.ts";
import type { Tensor } from "./tensor.ts";

/** What {@linkcode planMemory} has planned. */
export interface PlannedMemory {
  /** Of every tensor without memory of its own. */
  matrices: Map<Tensor, DeviceMatrix>;
  /** All of it, each once. */
  owned: DeviceMatrix[];
  bytes: number;
}

/**
 * Gives every tensor without memory of its own some, reusing what is free after its last reader.
 *
 * In a plan of images only what is an operand of some kernel becomes one: on a software adapter an
 * image is read fast and written slowly (3 to 4 times a buffer's time, lavapipe 22.3), so the rest,
 * which is written once and read once or twice, is better off in buffers; and so is what no texture
 * holds, as the logits of a large vocabulary.
 *
 * @throws {RangeError} If a tensor is read before it is written.
 */
export function planMemory(engine: Engine, commands: readonly Command[]): PlannedMemory {
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

/** The memory of a command's matrices, by operand name. */
export function matricesOf(
  { matrices }: Command,
  planned: PlannedMemory["matrices"],
): Record<string, DeviceMatrix> {
  // Each has some: a tensor of a command has memory of its own or was planned.
  return Object.fromEntries(
    Object.entries(matrices).map(([name, tensor]) => [name, tensor.matrix ?? planned.get(tensor)!]),
  );
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
