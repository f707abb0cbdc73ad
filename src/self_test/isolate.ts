/**
 * One kernel variant on its own: the dispatches of a case that run it, on operands that live where
 * the variant wants them and hold what the float64 reference says, whatever kernel makes them
 * elsewhere. So a wrong kernel does not make the next look wrong.
 */
import type { Command } from "../gpu/command.ts";
import { createEngine, type Engine } from "../gpu/engine.ts";
import { imaginaryDevice } from "../gpu/imaginary_device.ts";
import type { Kernel, MatrixPlace } from "../gpu/kernel.ts";
import {
  createArray,
  createMatrix,
  destroyMatrix,
  type DeviceMatrix,
  readBuffer,
  readMatrix,
  width4,
  writeMatrix,
} from "../gpu/memory.ts";
import type { KernelPlan } from "../gpu/plan.ts";
import type { Constants } from "../gpu/template.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { takeColumns } from "../reference/heads.ts";
import { createTape } from "../tensor/tape.ts";
import { type Bench, type Case, createBench, type Expectation } from "./bench.ts";

/** What tells a kernel variant from others. */
export type KernelVariant = Pick<Kernel, "template" | "constants" | "places">;

/** A result to read back when the commands have run. */
export interface Check {
  expected: ArrayLike<number>;
  tolerance: number;
  /** Quantities that take turns in it; 1 when absent. */
  quantities?: number;
  read(): Promise<ArrayLike<number>>;
}

/** A variant, ready to run. */
export interface Isolated {
  commands: Command[];
  checks: Check[];
  destroy(): void;
}

/** Rows of other matrices before each operand in its memory, as parameters that share it have. */
const ROWS_BEFORE = 3;

/**
 * Traces a case and takes from it what runs a variant.
 *
 * @throws {Error} If no dispatch of the case does, or the case leaves open what one reads or writes.
 */
export function isolate(engine: Engine, variant: KernelVariant, trace: Case): Isolated {
  const { template, constants, places } = variant;
  const plan = { ...engine.plan, ...blockOf(variant) };
  const imaginary = createEngine(imaginaryDevice(engine.device), plan);
  const bench = createBench(createTape(imaginary), constants);
  trace(bench);
  const traced = bench.commands(template.name).filter((command) =>
    sorted(command.constants) === sorted(constants)
  );
  if (traced.length === 0) {
    throw new Error(`Cannot check ${describeVariant(variant)}: its case does not lead to it`);
  }
  const memory = createMemory(engine, bench, template.name);
  const commands = traced.map((command): Command => ({
    ...command,
    constants,
    matrices: mapValues(
      places,
      (place, name) => memory.matrix(command.matrices[name], place, isWritten(variant, name)),
    ),
    arrays: mapValues(command.arrays, (array, name) => memory.array(array, roleOf(variant, name))),
  }));
  return { commands, checks: memory.checks, destroy: memory.destroy };
}

/** The kernel, its constants other than 0, and what lives in images, in words. */
export function describeVariant({ template, constants, places }: KernelVariant): string {
  const { ROWS = 4 * constants.ROWS4, TEXELS, ACROSS, ...others } = constants;
  const words = Object.entries(others)
    .filter(([name, value]) => value !== 0 && !IMPLIED.has(name))
    .map(([name, value]) => value === 1 ? name : `${name} ${value}`);
  const block = TEXELS ? [`${ROWS} x ${4 * TEXELS} a lane, ${ACROSS} lanes across`] : [];
  const images = (["image", "folded image"] as const).flatMap((kind) => {
    const names = Object.keys(places).filter((name) => places[name] === kind);
    return names.length > 0 ? [`${names.join(" ")} in ${kind}s`] : [];
  });
  const details = [...block, ...images].join(", ");
  return [template.name, ...words].join(" ") + (details && ` (${details})`);
}

/** Constants that others say already. */
const IMPLIED = new Set(["ROWS4", "SPAN", "DOWN", "KEEP", "USE"]);

const sorted = (constants: Constants) => JSON.stringify(Object.entries(constants).sort());

/** A plan that has but the block of a matrix product. */
function blockOf({ constants }: KernelVariant): Pick<KernelPlan, "blocks" | "shapes"> | undefined {
  const { ROWS = 4 * constants.ROWS4, TEXELS: texels, ACROSS: across, DEPTH4, HALF } = constants;
  if (!texels) return undefined;
  const tile = DEPTH4 ? { depth: 4 * DEPTH4, half: HALF === 1 } : undefined;
  const blocks = [{ rows: ROWS, texels, across, tile }];
  return { blocks: { nt: blocks, nn: blocks, tn: blocks }, shapes: {} };
}

const roleOf = ({ template }: KernelVariant, operand: string) =>
  template.operands.find(({ name }) => name === operand)!.role;

const isWritten = (variant: KernelVariant, operand: string) =>
  ["write", "state"].includes(roleOf(variant, operand));

/** Real memory for what a bench knows of. What is to be written holds no numbers before. */
function createMemory({ device }: Engine, bench: Bench, kernel: string) {
  const matrices = new Map<string, Tensor>();
  const arrays = new Map<GPUBuffer, GPUBuffer>();
  const numbers = new Map<Tensor, number>();
  const checks: Check[] = [];
  const expectationsOf = (target: Tensor | GPUBuffer, name: string): Expectation[] => {
    const found = bench.expectations.filter((one) =>
      one.kernel === kernel && one.target === target
    );
    if (found.length === 0) throw new Error(`Cannot check ${kernel}: "${name}" may be anything`);
    return found;
  };
  const known = (target: Tensor | GPUBuffer, name: string) => {
    const values = bench.known(target);
    if (!values) throw new Error(`Cannot check ${kernel}: what "${name}" holds is not known`);
    return values;
  };
  return {
    checks,
    matrix(tensor: Tensor, place: MatrixPlace, written: boolean): Tensor {
      if (!numbers.has(tensor)) numbers.set(tensor, numbers.size);
      const key = `${numbers.get(tensor)} ${place}`;
      const made = matrices.get(key);
      if (made) return made;
      const { name, rows, columns } = tensor;
      const matrix = matrixAt(device, tensor, place);
      // With the places past the last column, which a kernel must leave zero.
      const whole = { ...matrix, columns: 4 * width4(columns) };
      const values = written && !bench.given(tensor)
        ? new Float32Array(rows * whole.columns).fill(NaN)
        : pad(known(tensor, name), rows, columns);
      writeMatrix(device, whole, values);
      if (written) {
        for (const expectation of expectationsOf(tensor, name)) {
          const { expected, columns: part, tolerance, quantities } = expectation;
          checks.push({
            expected: part ? expected : pad(expected, rows, columns),
            tolerance,
            quantities,
            async read() {
              const all = await readMatrix(device, whole);
              return part ? takeColumns(all, whole.columns, ...part) : all;
            },
          });
        }
      }
      const real = { ...tensor, matrix };
      matrices.set(key, real);
      return real;
    },
    array(array: GPUBuffer, role: string): GPUBuffer {
      const made = arrays.get(array);
      if (made) return made;
      const real = createArray(device, array.size / 4, array.label);
      arrays.set(array, real);
      const Type = role.startsWith("ints") ? Int32Array : Float32Array;
      if (!role.endsWith("_out")) {
        device.queue.writeBuffer(real, 0, Type.from(known(array, role)));
        return real;
      }
      device.queue.writeBuffer(
        real,
        0,
        new Type(real.size / 4).fill(Type === Int32Array ? -1 : NaN),
      );
      for (const expectation of expectationsOf(array, role)) {
        const { expected, first = 0, tolerance, quantities } = expectation;
        const read = async () =>
          new Type(await readBuffer(device, real), 4 * first, expected.length);
        checks.push({ expected, tolerance, quantities, read });
      }
      return real;
    },
    destroy() {
      for (const { matrix } of matrices.values()) destroyMatrix(matrix!);
      for (const array of arrays.values()) array.destroy();
    },
  };
}

/** A matrix at a place, behind rows of others; a folded image is made of a small one. */
function matrixAt(
  device: GPUDevice,
  { name, rows, columns }: Tensor,
  place: MatrixPlace,
): DeviceMatrix {
  const width = width4(columns);
  const all = ROWS_BEFORE + rows;
  const foldRows = place === "folded image" ? Math.ceil(all / 2) : all;
  const shape = { rows: foldRows, columns: 4 * width * Math.ceil(all / foldRows) };
  const memory = createMatrix(device, place === "buffer" ? "buffer" : "image", shape, name);
  const bytes = rows * width * 16;
  return { ...memory, rows, columns, width4: width, foldRows, firstRow: ROWS_BEFORE, bytes };
}

function pad(values: ArrayLike<number>, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const stride = 4 * width4(columns);
  const padded = new Float32Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) padded[row * stride + c] = values[row * columns + c];
  }
  return padded;
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  to: (value: From, name: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value, name)]));
}
