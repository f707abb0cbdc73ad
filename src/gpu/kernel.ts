/**
 * From a kernel template to a pipeline: the prelude that gives operands their form, and the cache.
 */
import type { DeviceMatrix } from "./memory.ts";
import type { KernelPlan } from "./plan.ts";
import { KERNELS } from "./kernel_files.ts";
import {
  type Constants,
  expand,
  type KernelTemplate,
  type OperandDeclaration,
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
  /** Operands that this variant declares, in binding order. */
  operands: OperandDeclaration[];
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
  code: string;
}

/** Pipelines by variant, made at first use. */
export type KernelCache = Map<string, Kernel>;

/**
 * Makes (or finds) the pipeline of a kernel variant.
 *
 * @param folded Names of operands whose texture is folded because they have more rows than a texture.
 * @throws {RangeError} If no kernel has that name.
 */
export function kernelVariant(
  device: GPUDevice,
  cache: KernelCache,
  plan: KernelPlan,
  name: string,
  constants: Constants,
  folded: ReadonlySet<string>,
): Kernel {
  const key = `${plan.form} ${name} ${JSON.stringify(constants)} ${[...folded].join()}`;
  const known = cache.get(key);
  if (known) return known;
  const template = KERNELS.get(name);
  if (!template) throw new RangeError(`Cannot make pipeline: there is no kernel "${name}"`);
  const all = { LANES: plan.lanes, ...constants };
  const operands = template.operands.filter((operand) =>
    !operand.condition || (constants[operand.condition] ?? 0) !== 0
  );
  const code = prelude(template, operands, plan, folded) + expand(template.lines, all);
  const layout = device.createBindGroupLayout({ entries: layoutEntries(template, operands, plan) });
  const pipeline = device.createComputePipeline({
    label: name,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ code, label: name }), entryPoint: "main" },
  });
  const kernel = { template, operands, pipeline, layout, code };
  cache.set(key, kernel);
  return kernel;
}

/** Whether an operand is reached by `load_` and `store_`. */
export const isMatrix = ({ role }: OperandDeclaration): boolean =>
  role === "read" || role === "write" || role === "state";

function prelude(
  template: KernelTemplate,
  operands: OperandDeclaration[],
  plan: KernelPlan,
  folded: ReadonlySet<string>,
): string {
  const lines = [SKEW];
  const fields = template.sizes.map(({ name, type }) => `${name}: ${type}`);
  fields.push(
    ...operands.filter(isMatrix).flatMap((
      { name },
    ) => [`stride_${name}: u32`, `fold_${name}: u32`]),
  );
  lines.push(
    `struct Sizes { ${fields.join(", ")} }`,
    `@group(0) @binding(0) var<uniform> size: Sizes;`,
  );
  if (template.usesStep) lines.push(STEP_STRUCT, `@group(0) @binding(1) var<uniform> step: Step;`);
  operands.forEach((operand, index) =>
    lines.push(...declare(operand, index + 2, plan, folded.has(operand.name)))
  );
  return lines.join("\n") + "\n";
}

function declare(
  { role, name }: OperandDeclaration,
  binding: number,
  { form }: KernelPlan,
  fold: boolean,
): string[] {
  const at = `@group(0) @binding(${binding})`;
  const texel = fold
    ? `vec2u(column + (row / size.fold_${name}) * size.stride_${name}, row % size.fold_${name})`
    : "vec2u(column, row)";
  const index = `row * size.stride_${name} + column`;
  switch (role) {
    case "read":
      return form === "image"
        ? [
          `${at} var ${name}: texture_storage_2d<rgba32float, read>;`,
          `fn load_${name}(column: u32, row: u32) -> vec4f { return textureLoad(${name}, ${texel}); }`,
        ]
        : [
          `${at} var<storage, read> ${name}: array<vec4f>;`,
          `fn load_${name}(column: u32, row: u32) -> vec4f { return ${name}[${index}]; }`,
        ];
    case "write":
      return form === "image"
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

function layoutEntries(
  template: KernelTemplate,
  operands: OperandDeclaration[],
  { form }: KernelPlan,
): GPUBindGroupLayoutEntry[] {
  const visibility = GPUShaderStage.COMPUTE;
  const entries: GPUBindGroupLayoutEntry[] = [{
    binding: 0,
    visibility,
    buffer: { type: "uniform" },
  }];
  if (template.usesStep) entries.push({ binding: 1, visibility, buffer: { type: "uniform" } });
  operands.forEach(({ role }, index) => {
    const binding = index + 2;
    if (form === "image" && (role === "read" || role === "write")) {
      const access = role === "read" ? "read-only" : "write-only";
      entries.push({ binding, visibility, storageTexture: { access, format: "rgba32float" } });
    } else {
      const readOnly = role === "read" || role === "ints" || role === "floats_in";
      entries.push({
        binding,
        visibility,
        buffer: { type: readOnly ? "read-only-storage" : "storage" },
      });
    }
  });
  return entries;
}

/** The words of a dispatch's `size` uniform: declared sizes, then stride and fold of each matrix. */
export function sizeWords(
  kernel: Kernel,
  sizes: Readonly<Record<string, number>>,
  matrices: Readonly<Record<string, DeviceMatrix>>,
): ArrayBuffer {
  const matrixOperands = kernel.operands.filter(isMatrix);
  const words = kernel.template.sizes.length + 2 * matrixOperands.length;
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
    view.setUint32(at, matrices[name].width4, true);
    view.setUint32(at + 4, matrices[name].foldRows, true);
    at += 8;
  }
  return bytes;
}
