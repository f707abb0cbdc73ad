/**
 * From a kernel template to a pipeline: the prelude that gives operands their form, and the cache.
 */
import { KERNELS } from "./kernel_files.ts";
import type { DeviceMatrix } from "./memory.ts";
import type { KernelPlan } from "./plan.ts";
import {
  type Constants,
  expand,
  type KernelTemplate,
  type OperandDeclaration,
  type Role,
} from "./template.ts";

/** Bytes of the `step` uniform. */
export const STEP_BYTES = 48;

const STEP_STRUCT = `struct Step {
  learning_rate: vec2f,
  correction1: vec2f,
  correction2: vec2f,
  lambda: f32,
  token_scale: f32,
  slot: u32,
  number: u32,
  seed: u32,
}`;

// Neighbouring lanes own neighbouring rows, which lie a multiple of a cache page apart: starting
// each at another column keeps them out of each other's cache sets.
const SKEW = `fn skew(i: u32, lane: u32, width4: u32) -> u32 {
  let column = i + (lane * 4u) % width4;
  return select(column, column - width4, column >= width4);
}`;

/** A compiled kernel variant. */
export interface Kernel {
  template: KernelTemplate;
  constants: Constants;
  /** Where each matrix lives, by operand name. */
  places: Readonly<Record<string, MatrixPlace>>;
  /** Operands that this variant declares, in binding order. */
  operands: OperandDeclaration[];
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
  code: string;
}

/** Where a kernel finds a matrix. An image is folded when it has more rows than a texture. */
export type MatrixPlace = "buffer" | "image" | "folded image";

/** Where a matrix lives. */
export function placeOf({ texture, rows, firstRow, foldRows }: DeviceMatrix): MatrixPlace {
  if (!texture) return "buffer";
  return firstRow + rows > foldRows ? "folded image" : "image";
}

/** Pipelines by variant, made at first use. */
export type KernelCache = Map<string, Kernel>;

/**
 * Makes (or finds) the pipeline of a kernel variant.
 *
 * @param places Where each matrix lives, by operand name.
 * @throws {RangeError} If no kernel has that name, or it needs float16 and the device has none.
 */
export function kernelVariant(
  device: GPUDevice,
  cache: KernelCache,
  plan: KernelPlan,
  name: string,
  constants: Constants,
  places: Readonly<Record<string, MatrixPlace>>,
): Kernel {
  const key = `${name} ${JSON.stringify(constants)} ${JSON.stringify(places)}`;
  const known = cache.get(key);
  if (known) return known;
  const template = KERNELS.get(name);
  if (!template) throw new RangeError(`Cannot make pipeline: there is no kernel "${name}"`);
  const all = { LANES: plan.lanes, ...constants };
  const operands = template.operands.filter((operand) =>
    !operand.condition || (constants[operand.condition] ?? 0) !== 0
  );
  if (constants.HALF && !device.features.has("shader-f16")) {
    throw new RangeError(
      `Cannot make pipeline: ${name} keeps tiles in float16, which the device does not offer`,
    );
  }
  const enable = constants.HALF ? "enable f16;\n" : "";
  const code = enable + prelude(template, operands, places) + expand(template.lines, all);
  const entries = layoutEntries(template, operands, places);
  const layout = device.createBindGroupLayout({ entries });
  const pipeline = device.createComputePipeline({
    label: name,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ code, label: name }), entryPoint: "main" },
  });
  const kernel = { template, constants, places, operands, pipeline, layout, code };
  cache.set(key, kernel);
  return kernel;
}

/** Whether an operand is reached by `load_` and `store_`. */
export const isMatrix = ({ role }: OperandDeclaration): boolean =>
  role === "operand" || role === "read" || role === "write" || role === "state";

function prelude(
  template: KernelTemplate,
  operands: OperandDeclaration[],
  places: Readonly<Record<string, MatrixPlace>>,
): string {
  const lines = [SKEW];
  const fields = template.sizes.map(({ name, type }) => `${name}: ${type}`);
  fields.push(
    ...operands.filter(isMatrix).flatMap((
      { name },
    ) => [`stride_${name}: u32`, `fold_${name}: u32`, `first_${name}: u32`]),
  );
  lines.push(
    `struct Sizes { ${fields.join(", ")} }`,
    `@group(0) @binding(0) var<uniform> size: Sizes;`,
  );
  if (template.usesStep) lines.push(STEP_STRUCT, `@group(0) @binding(1) var<uniform> step: Step;`);
  operands.forEach((operand, index) =>
    lines.push(...declare(operand, index + 2, places[operand.name]))
  );
  return lines.join("\n") + "\n";
}

function declare(
  { role, name }: OperandDeclaration,
  binding: number,
  place: MatrixPlace,
): string[] {
  const at = `@group(0) @binding(${binding})`;
  const place_row = `(row + size.first_${name})`;
  const texel = place === "folded image"
    ? `vec2u(column + (${place_row} / size.fold_${name}) * size.stride_${name}, ${place_row} % size.fold_${name})`
    : `vec2u(column, ${place_row})`;
  const index = `${place_row} * size.stride_${name} + column`;
  switch (role) {
    case "operand":
    case "read":
      return place !== "buffer"
        ? [
          `${at} var ${name}: texture_storage_2d<rgba32float, read>;`,
          `fn load_${name}(column: u32, row: u32) -> vec4f { return textureLoad(${name}, ${texel}); }`,
        ]
        : [
          `${at} var<storage, read> ${name}: array<vec4f>;`,
          `fn load_${name}(column: u32, row: u32) -> vec4f { return ${name}[${index}]; }`,
        ];
    case "write":
      return place !== "buffer"
        ? [
          `${at} var ${name}: texture_storage_2d<rgba32float, write>;`,
          `fn store_${name}(column: u32, row: u32, value: vec4f) { textureStore(${name}, ${texel}, value); }`,
        ]
        : [
          `${at} var<storage, read_write> ${name}: array<vec4f>;`,
          `fn store_${name}(column: u32, row: u32, value: vec4f) { ${name}[${index}] = value; }`,
        ];
    case "state":
      return [
        `${at} var<storage, read_write> ${name}: array<vec4f>;`,
        `fn load_${name}(column: u32, row: u32) -> vec4f { return ${name}[${index}]; }`,
        `fn store_${name}(column: u32, row: u32, value: vec4f) { ${name}[${index}] = value; }`,
      ];
    case "ints":
      return [`${at} var<storage, read> ${name}: array<i32>;`];
    case "ints_out":
      return [`${at} var<storage, read_write> ${name}: array<i32>;`];
    case "floats_in":
      return [`${at} var<storage, read> ${name}: array<f32>;`];
    case "floats_out":
      return [`${at} var<storage, read_write> ${name}: array<f32>;`];
  }
}

const READ_ONLY: ReadonlySet<Role> = new Set<Role>(["operand", "read", "ints", "floats_in"]);

function layoutEntries(
  template: KernelTemplate,
  operands: OperandDeclaration[],
  places: Readonly<Record<string, MatrixPlace>>,
): GPUBindGroupLayoutEntry[] {
  const visibility = GPUShaderStage.COMPUTE;
  const entries: GPUBindGroupLayoutEntry[] = [{
    binding: 0,
    visibility,
    buffer: { type: "uniform" },
  }];
  if (template.usesStep) entries.push({ binding: 1, visibility, buffer: { type: "uniform" } });
  operands.forEach((operand, index) => {
    const binding = index + 2;
    const readOnly = READ_ONLY.has(operand.role);
    if (isMatrix(operand) && places[operand.name] !== "buffer") {
      const access = readOnly ? "read-only" : "write-only";
      entries.push({ binding, visibility, storageTexture: { access, format: "rgba32float" } });
    } else {
      const type = readOnly ? "read-only-storage" : "storage";
      entries.push({ binding, visibility, buffer: { type } });
    }
  });
  return entries;
}

/**
 * The words of a dispatch's `size` uniform: declared sizes, then stride, fold and first row of each
 * matrix.
 *
 * @throws {RangeError} If a size or a matrix is missing.
 */
export function sizeWords(
  kernel: Kernel,
  sizes: Readonly<Record<string, number>>,
  matrices: Readonly<Record<string, DeviceMatrix>>,
): ArrayBuffer {
  const matrixOperands = kernel.operands.filter(isMatrix);
  const words = kernel.template.sizes.length + 3 * matrixOperands.length;
  const bytes = new ArrayBuffer(Math.ceil(words / 4) * 16);
  const view = new DataView(bytes);
  let at = 0;
  for (const { name, type } of kernel.template.sizes) {
    const value = sizes[name];
    if (value === undefined) {
      throw new RangeError(`Cannot dispatch ${kernel.template.name}: size "${name}" is missing`);
    }
    if (type === "f32") view.setFloat32(at, value, true);
    else view.setUint32(at, value, true);
    at += 4;
  }
  for (const { name } of matrixOperands) {
    const matrix = matrices[name];
    if (!matrix) {
      throw new RangeError(`Cannot dispatch ${kernel.template.name}: matrix "${name}" is missing`);
    }
    view.setUint32(at, matrix.width4, true);
    view.setUint32(at + 4, matrix.foldRows, true);
    view.setUint32(at + 8, matrix.firstRow, true);
    at += 12;
  }
  return bytes;
}
