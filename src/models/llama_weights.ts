/**
 * Between Hugging Face's checkpoint layout and the matrices that the kernels use.
 *
 * Checkpoints keep q, k and v apart, gate and up apart, and order a head's pairs by halves
 * (i, i + head_dim / 2). Here q, k, v are rows of one matrix, as are gate and up; pairs of query and
 * key heads are neighbours (2i, 2i + 1), and heads and gate/up are padded to a multiple of four.
 */
import { checkedMatrix, type MatrixValues, zeroMatrices } from "../nn/matrix_values.ts";
import type { ParameterSpec } from "../nn/parameters.ts";
import { headLayout, type LlamaConfig } from "./llama_config.ts";

/** Where a row (or column) of a kernel matrix comes from: checkpoint matrix and row, or nothing. */
export type Source = { name: string; index: number } | null;

/** How a kernel matrix is gathered from checkpoint matrices. */
export interface Layout {
  name: string;
  rows: Source[];
  /** Column permutation of the single source, or null where columns are taken as they are. */
  columns: (number | null)[] | null;
}

/** Names, shapes and first values of a decoder's parameters in checkpoint layout. */
export function llamaSpecs(config: LlamaConfig): ParameterSpec[] {
  const { hidden_size: d, intermediate_size: ff, vocab_size: vocabulary } = config;
  const queries = config.num_attention_heads * config.head_dim;
  const keys = config.num_key_value_heads * config.head_dim;
  // Outputs into the residual stream start smaller, by the number of additions (GPT-2).
  const residual = 1 / Math.sqrt(2 * config.num_hidden_layers);
  const weight = (name: string, rows: number, columns: number, scale = 1): ParameterSpec => ({
    name,
    rows,
    columns,
    initialisation: { kind: "normal", deviation: scale / Math.sqrt(columns) },
  });
  const gain = (name: string): ParameterSpec => ({
    name,
    rows: 1,
    columns: d,
    initialisation: { kind: "ones" },
  });
  const specs: ParameterSpec[] = [{
    name: "model.embed_tokens.weight",
    rows: vocabulary,
    columns: d,
    initialisation: { kind: "normal", deviation: 1 / Math.sqrt(d) },
  }];
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    specs.push(
      gain(`${prefix}.input_layernorm.weight`),
      weight(`${prefix}.self_attn.q_proj.weight`, queries, d),
      weight(`${prefix}.self_attn.k_proj.weight`, keys, d),
      weight(`${prefix}.self_attn.v_proj.weight`, keys, d),
      weight(`${prefix}.self_attn.o_proj.weight`, d, queries, residual),
      gain(`${prefix}.post_attention_layernorm.weight`),
      weight(`${prefix}.mlp.gate_proj.weight`, ff, d),
      weight(`${prefix}.mlp.up_proj.weight`, ff, d),
      weight(`${prefix}.mlp.down_proj.weight`, d, ff, residual),
    );
  }
  specs.push(gain("model.norm.weight"));
  if (!config.tie_word_embeddings) specs.push(weight("lm_head.weight", vocabulary, d));
  return specs;
}

/** {@linkcode llamaSpecs} by name. */
export function llamaSpecsByName(config: LlamaConfig): Map<string, ParameterSpec> {
  return new Map(llamaSpecs(config).map((spec) => [spec.name, spec]));
}

const plainRows = (name: string, count: number): Source[] =>
  Array.from({ length: count }, (_, index) => ({ name, index }));

/** Kernel matrices and where they come from. */
export function layouts(config: LlamaConfig): Layout[] {
  const { headDim, headWidth, heads, kvHeads } = headLayout(config);
  const ff = config.intermediate_size;
  const paddedFf = Math.ceil(ff / 4) * 4;
  // Element e of a stored head: pair floor(e / 2) of the rotate-half order, or its own place.
  const rotated = (e: number) => e < headDim ? Math.floor(e / 2) + (e % 2) * headDim / 2 : null;
  const straight = (e: number) => e < headDim ? e : null;
  const headRows = (name: string, count: number, order: (e: number) => number | null): Source[] =>
    Array.from({ length: count * headWidth }, (_, row) => {
      const at = order(row % headWidth);
      return at === null ? null : { name, index: Math.floor(row / headWidth) * headDim + at };
    });
  const padded = (name: string): Source[] =>
    Array.from({ length: paddedFf }, (_, index) => index < ff ? { name, index } : null);
  const whole = ({ name, rows }: ParameterSpec): Layout => ({
    name,
    rows: plainRows(name, rows),
    columns: null,
  });
  const specs = llamaSpecsByName(config);
  const result: Layout[] = [whole(specs.get("model.embed_tokens.weight")!)];
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const attention = `${prefix}.self_attn`;
    result.push(
      whole(specs.get(`${prefix}.input_layernorm.weight`)!),
      {
        name: `${attention}.qkv`,
        rows: [
          ...headRows(`${attention}.q_proj.weight`, heads, rotated),
          ...headRows(`${attention}.k_proj.weight`, kvHeads, rotated),
          ...headRows(`${attention}.v_proj.weight`, kvHeads, straight),
        ],
        columns: null,
      },
      {
        name: `${attention}.o_proj.weight`,
        rows: plainRows(`${attention}.o_proj.weight`, config.hidden_size),
        columns: Array.from({ length: heads * headWidth }, (_, column) => {
          const at = straight(column % headWidth);
          return at === null ? null : Math.floor(column / headWidth) * headDim + at;
        }),
      },
      whole(specs.get(`${prefix}.post_attention_layernorm.weight`)!),
      {
        name: `${prefix}.mlp.gate_up`,
        rows: [
          ...padded(`${prefix}.mlp.gate_proj.weight`),
          ...padded(`${prefix}.mlp.up_proj.weight`),
        ],
        columns: null,
      },
      {
        name: `${prefix}.mlp.down_proj.weight`,
        rows: plainRows(`${prefix}.mlp.down_proj.weight`, config.hidden_size),
        columns: Array.from({ length: paddedFf }, (_, column) => column < ff ? column : null),
      },
    );
  }
  result.push(whole(specs.get("model.norm.weight")!));
  const head = specs.get("lm_head.weight");
  if (head) result.push(whole(head));
  return result;
}

/** Matrices of a checkpoint by name, all in memory or read when they are asked for. */
export type Checkpoint = Pick<ReadonlyMap<string, MatrixValues>, "get">;

/**
 * Gathers kernel matrices from a checkpoint.
 *
 * @throws {RangeError} If a checkpoint matrix is missing or has another shape.
 */
export function packLlama(config: LlamaConfig, checkpoint: Checkpoint): Map<string, MatrixValues> {
  return new Map(packedMatrices(config, checkpoint));
}

/**
 * The kernel matrices of {@linkcode packLlama} one after the other, each made when it is asked for,
 * so that no two copies of a large checkpoint are in memory.
 *
 * @throws {RangeError} If a checkpoint matrix is missing or has another shape.
 */
export function* packedMatrices(
  config: LlamaConfig,
  checkpoint: Checkpoint,
): Generator<[string, MatrixValues]> {
  const specs = llamaSpecsByName(config);
  for (const layout of layouts(config)) {
    const names = new Set(layout.rows.flatMap((source) => source ? [source.name] : []));
    const sources = new Map(
      [...names].map((name) => [
        name,
        checkedMatrix("decoder", specs.get(name)!, checkpoint.get(name)),
      ]),
    );
    yield [layout.name, gather(layout, sources)];
  }
}

/** A checkpoint without values, of which kernel matrices of zeros are made: for tracing only. */
export function emptyCheckpoint(config: LlamaConfig): Checkpoint {
  const specs = llamaSpecsByName(config);
  return {
    get(name) {
      const { rows, columns } = specs.get(name)!;
      return { rows, columns, data: new Float32Array() };
    },
  };
}

function gather(
  { rows, columns: order }: Layout,
  sources: ReadonlyMap<string, MatrixValues>,
): MatrixValues {
  const [{ columns: width }] = sources.values();
  const columns = order?.length ?? width;
  const data = new Float32Array(rows.length * columns);
  rows.forEach((source, row) => {
    if (!source) return;
    const from = sources.get(source.name)!.data
      .subarray(source.index * width, (source.index + 1) * width);
    if (!order) return data.set(from, row * columns);
    for (let column = 0; column < columns; column++) {
      const at = order[column];
      if (at !== null) data[row * columns + column] = from[at];
    }
  });
  return { rows: rows.length, columns, data };
}

/** The inverse of {@linkcode packLlama}; also takes gradients back into checkpoint layout. */
export function unpackLlama(
  config: LlamaConfig,
  kernelMatrices: ReadonlyMap<string, MatrixValues>,
): Map<string, MatrixValues> {
  const checkpoint = zeroMatrices(llamaSpecs(config));
  for (const layout of layouts(config)) {
    const matrix = kernelMatrices.get(layout.name);
    if (!matrix) continue;
    layout.rows.forEach((source, row) => {
      if (!source) return;
      const { data, columns } = checkpoint.get(source.name)!;
      const from = matrix.data.subarray(row * matrix.columns, (row + 1) * matrix.columns);
      if (!layout.columns) data.set(from, source.index * columns);
      else {layout.columns.forEach((at, column) => {
          if (at !== null) data[source.index * columns + at] = from[column];
        });}
    });
  }
  return checkpoint;
}
