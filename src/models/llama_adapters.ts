/**
 * LoRA adapters of a decoder, between the layout of PEFT and the matrices that the kernels use.
 *
 * PEFT keeps a pair A (r, in) and B (out, r) for each projection. Here projections that share a
 * kernel matrix share a pair, with rows and columns in the order of that matrix.
 */
import type { Engine } from "../gpu/engine.ts";
import { writeMatrix } from "../gpu/memory.ts";
import { freeTensor, ownTensor, type Tensor } from "../gpu/tensor.ts";
import { checkLoraConfig, type LoraConfig, type LoraTarget } from "../nn/lora.ts";
import {
  checkedMatrix,
  type MatrixValues,
  readParameters,
  tensorsOf,
  zeroMatrices,
  zeroMatrix,
} from "../nn/matrix_values.ts";
import {
  createParameters,
  freeParameters,
  type Parameter,
  type ParameterSpec,
} from "../nn/parameters.ts";
import { ADAPTED_PARTS, type LlamaAdapters } from "./llama.ts";
import type { LlamaConfig } from "./llama_config.ts";
import { type Layout, layouts, llamaSpecs, llamaSpecsByName } from "./llama_weights.ts";

/** A kernel matrix with the projections in it that are adapted. */
interface AdapterLayout extends Layout {
  /** Names of the weights, in the order of their blocks. */
  members: string[];
}

/** The adapters of a decoder on the device. */
export interface AdapterSet {
  /** A and B of the kernel matrices. */
  parameters: Parameter[];
  /** See `Adapter` of nn/lora.ts; by part of a layer. */
  factors: ReadonlyMap<string, Tensor>;
}

/** Names, shapes and first values of the adapters in PEFT's layout. */
export function loraSpecs(config: LlamaConfig, lora: LoraConfig): ParameterSpec[] {
  checkLoraConfig(lora);
  return llamaSpecs(config).filter(({ name }) => isAdapted(name, lora)).flatMap(
    ({ name, rows, columns }): ParameterSpec[] => [
      {
        name: peftName(name, "A"),
        rows: lora.rank,
        columns,
        // Kaiming-uniform with a = sqrt 5, as PEFT draws it.
        initialisation: { kind: "uniform", bound: 1 / Math.sqrt(columns) },
      },
      {
        name: peftName(name, "B"),
        rows,
        columns: lora.rank,
        initialisation: { kind: "zeros" },
      },
    ],
  );
}

/**
 * Gathers the adapters of the kernel matrices from PEFT's.
 *
 * @throws {RangeError} If one is missing or has another shape.
 */
export function packAdapters(
  config: LlamaConfig,
  lora: LoraConfig,
  adapters: ReadonlyMap<string, MatrixValues>,
): Map<string, MatrixValues> {
  for (const spec of loraSpecs(config, lora)) {
    checkedMatrix("adapters", spec, adapters.get(spec.name));
  }
  const packed = emptyPairs(config, lora);
  forEachElement(config, lora, (peft, at, kernel, to) => {
    packed.get(kernel)!.data[to] = adapters.get(peft)!.data[at];
  });
  return packed;
}

/** The inverse of {@linkcode packAdapters}; also takes gradients back into PEFT's layout. */
export function unpackAdapters(
  config: LlamaConfig,
  lora: LoraConfig,
  kernelMatrices: ReadonlyMap<string, MatrixValues>,
): Map<string, MatrixValues> {
  const adapters = zeroMatrices(loraSpecs(config, lora));
  forEachElement(config, lora, (peft, at, kernel, to) => {
    adapters.get(peft)!.data[at] = kernelMatrices.get(kernel)!.data[to];
  });
  return adapters;
}

/**
 * Puts adapters in PEFT's layout on the device.
 *
 * @throws as {@linkcode packAdapters} does
 */
export function createAdapters(
  engine: Engine,
  config: LlamaConfig,
  lora: LoraConfig,
  adapters: ReadonlyMap<string, MatrixValues>,
  { frozen = false }: { frozen?: boolean } = {},
): AdapterSet {
  const packed = packAdapters(config, lora, adapters);
  const values = [...packed].map(([name, { rows, columns, data }]) => ({
    name,
    rows,
    columns,
    values: data,
    frozen,
    // A of one projection and rank 1 has a single row, but is no gain.
    decay: true,
  }));
  const factors = new Map<string, Tensor>();
  // All layers are alike, so the first speaks for them.
  for (const layout of adapterLayouts({ ...config, num_hidden_layers: 1 }, lora)) {
    const part = ADAPTED_PARTS.find((part) => layout.name.endsWith(`.${part}`))!;
    const { rows, columns } = packed.get(kernelName(layout.name, "B"))!;
    const data = new Float32Array(rows * columns);
    layout.rows.forEach((source, row) => {
      const block = source ? layout.members.indexOf(source.name) : -1;
      if (block < 0) return;
      const first = row * columns + block * lora.rank;
      data.fill(lora.alpha / lora.rank, first, first + lora.rank);
    });
    const tensor = ownTensor(engine, `${part} factors`, { rows, columns });
    writeMatrix(engine.device, tensor.matrix!, data);
    factors.set(part, tensor);
  }
  return { parameters: createParameters(engine, values), factors };
}

/**
 * The adapters as the decoder's layers read them.
 *
 * @param dropout Rate; 0 but in training
 */
export function tracedAdapters(set: AdapterSet, dropout = 0): LlamaAdapters {
  const tensors = tensorsOf(set.parameters);
  return {
    dropout,
    of(layer, part) {
      const matrix = `model.layers.${layer}.${part}`;
      const factors = set.factors.get(part);
      return factors && {
        a: tensors.get(kernelName(matrix, "A"))!,
        b: tensors.get(kernelName(matrix, "B"))!,
        factors,
      };
    },
  };
}

/** Reads the adapters back in PEFT's layout. Waits for the queue. */
export async function readAdapters(
  engine: Engine,
  config: LlamaConfig,
  lora: LoraConfig,
  { parameters }: AdapterSet,
): Promise<Map<string, MatrixValues>> {
  return unpackAdapters(config, lora, await readParameters(engine, parameters));
}

/** Frees the memory of adapters. */
export function freeAdapters(engine: Engine, { parameters, factors }: AdapterSet): void {
  freeParameters(engine, parameters);
  for (const tensor of factors.values()) freeTensor(engine, tensor);
}

const moduleOf = (weight: string) => weight.replace(/\.weight$/, "");

const peftName = (weight: string, side: "A" | "B") =>
  `base_model.model.${moduleOf(weight)}.lora_${side}.weight`;

const kernelName = (matrix: string, side: "A" | "B") => `${moduleOf(matrix)}.lora_${side}`;

const isAdapted = (weight: string, { targets }: LoraConfig) =>
  targets.includes(moduleOf(weight).split(".").at(-1) as LoraTarget);

function adapterLayouts(config: LlamaConfig, lora: LoraConfig): AdapterLayout[] {
  return layouts(config).flatMap((layout) => {
    const names = new Set(layout.rows.flatMap((source) => source ? [source.name] : []));
    const members = [...names].filter((name) => isAdapted(name, lora));
    return members.length > 0 ? [{ ...layout, members }] : [];
  });
}

/** A and B of the kernel matrices, all zero. */
function emptyPairs(config: LlamaConfig, lora: LoraConfig): Map<string, MatrixValues> {
  const specs = llamaSpecsByName(config);
  return new Map(
    adapterLayouts(config, lora).flatMap(({ name, rows, columns, members }) => {
      const inputs = columns?.length ?? specs.get(members[0])!.columns;
      const ranks = members.length * lora.rank;
      return [
        [kernelName(name, "A"), zeroMatrix({ rows: ranks, columns: inputs })] as const,
        [kernelName(name, "B"), zeroMatrix({ rows: rows.length, columns: ranks })] as const,
      ];
    }),
  );
}

/** Visits every element of PEFT's matrices beside its place in a kernel matrix's. */
function forEachElement(
  config: LlamaConfig,
  lora: LoraConfig,
  visit: (peft: string, at: number, kernel: string, to: number) => void,
): void {
  const { rank } = lora;
  const specs = llamaSpecsByName(config);
  for (const { name, rows, columns, members } of adapterLayouts(config, lora)) {
    members.forEach((member, block) => {
      const { columns: inputs } = specs.get(member)!;
      const places = columns ?? Array.from({ length: inputs }, (_, column) => column);
      for (let k = 0; k < rank; k++) {
        places.forEach((from, column) => {
          if (from === null) return;
          const to = (block * rank + k) * places.length + column;
          visit(peftName(member, "A"), k * inputs + from, kernelName(name, "A"), to);
        });
      }
      rows.forEach((source, row) => {
        if (source?.name !== member) return;
        for (let k = 0; k < rank; k++) {
          const to = row * members.length * rank + block * rank + k;
          visit(peftName(member, "B"), source.index * rank + k, kernelName(name, "B"), to);
        }
      });
    });
  }
}
