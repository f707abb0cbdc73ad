/** Greedy text from a decoder with a key/value cache. */
import { type Engine, writeStep } from "../gpu/engine.ts";
import { createArray, readBuffer, readMatrix, writeMatrix } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor, ownTensor } from "../gpu/tensor.ts";
import { greedyChoice } from "../tensor/decode.ts";
import { gatherColumns, gatherRows } from "../tensor/embedding.ts";
import { ropeTable } from "../tensor/rope.ts";
import { createTape, keep } from "../tensor/tape.ts";
import { llamaDecodeLayers, llamaHead, llamaLayers, type LlamaWeights } from "./llama.ts";
import { headLayout, type LlamaConfig } from "./llama_config.ts";

/** What is asked of {@linkcode generate}. */
export interface GenerateOptions {
  /** Ids of the text that is continued, at least one. */
  prompt: readonly number[];
  maxTokens: number;
  /** Ids that end the text. */
  eos: readonly number[];
  /** Most tokens of a text, prompt included. */
  context: number;
}

/** A candidate for the next token. */
export interface Candidate {
  id: number;
  logit: number;
}

/** What a decoder wrote. */
export interface Generated {
  /** New ids, without the one that ends the text. */
  tokens: number[];
  /** The five largest logits of the first step, largest first. */
  top5: Candidate[];
}

/**
 * Steps between two looks at what was generated. A look costs about 11 ms in Deno, a step behind
 * the end of the text is for nothing.
 */
const STEPS_AHEAD = 16;

/**
 * Continues a prompt with the likeliest token again and again.
 *
 * The prompt is read as one causal sequence, then one token a step against the cached keys and
 * values.
 *
 * @throws {RangeError} If the prompt is empty, holds an unknown id, or leaves too little of the
 * context
 */
export async function generate(
  engine: Engine,
  config: LlamaConfig,
  weights: LlamaWeights,
  options: GenerateOptions,
): Promise<Generated> {
  checkGeneration(config, options);
  const { prompt, maxTokens, eos } = options;
  const { device } = engine;
  const heads = headLayout(config);
  const length = prompt.length;
  // The last token is chosen and never read.
  const capacity = length + Math.max(1, maxTokens) - 1;
  const table = ownTensor(engine, "rope table", { rows: capacity, columns: heads.headWidth });
  writeMatrix(device, table.matrix!, ropeTable(capacity, heads, config.rope_theta));
  const ints = (values: ArrayLike<number>, label: string) => {
    const buffer = createArray(device, values.length, label);
    device.queue.writeBuffer(buffer, 0, Int32Array.from(values));
    return buffer;
  };
  const count = (length: number) => Int32Array.from({ length }, (_, i) => i);
  const arrays = {
    prompt: ints(prompt, "prompt"),
    positions: ints(count(length), "positions"),
    lastRow: ints([length - 1], "last row"),
    cachedRows: ints(count(capacity).map((i) => i < length ? i : -1), "cached rows"),
    lengths: ints([length], "lengths"),
    next: ints([0], "next token"),
    position: ints([0], "position"),
    tokens: ints(new Int32Array(Math.max(1, maxTokens)), "generated tokens"),
  };
  const embeddings = weights.get("model.embed_tokens.weight")!;

  const fillTape = createTape(engine);
  const embedded = rowsOf(fillTape, arrays.prompt, length);
  const { output, caches: projections } = llamaLayers(fillTape, config, weights, embedded, {
    table,
    positions: arrays.positions,
  }, { batch: 1, prefix: length, blocks: 0, block: 0 });
  const firstKey = heads.heads * heads.headWidth;
  const caches = projections.map((projection) =>
    keep(gatherColumns(fillTape, projection, capacity, arrays.cachedRows, firstKey))
  );
  const last = gatherRows(fillTape, output, 1, { rowsOf: arrays.lastRow, inverse: arrays.lastRow });
  const logits = keep(llamaHead(fillTape, config, weights, last));
  greedyChoice(fillTape, logits, arrays);

  const stepTape = createTape(engine);
  const decoded = llamaDecodeLayers(stepTape, config, weights, rowsOf(stepTape, arrays.next, 1), {
    table,
    positions: arrays.position,
  }, {
    caches,
    lengths: arrays.lengths,
    sequence: { batch: 1, prefix: 0, blocks: 1, block: capacity },
  });
  greedyChoice(stepTape, llamaHead(stepTape, config, weights, decoded), arrays);

  function rowsOf(tape: ReturnType<typeof createTape>, ids: GPUBuffer, rows: number) {
    return gatherRows(tape, embeddings, rows, { rowsOf: ids, inverse: ids });
  }

  const [fill, step] = [fillTape, stepTape].map(({ commands }) => compileProgram(engine, commands));
  try {
    writeStep(engine, { slot: 0 });
    fill.run();
    let tokens: number[] = [];
    let end = -1;
    for (let done = 1; end < 0;) {
      const until = Math.min(done + STEPS_AHEAD, maxTokens);
      for (let t = done; t < until; t++) {
        writeStep(engine, { slot: t });
        // A new token stands behind the prompt and the tokens generated before it.
        device.queue.writeBuffer(arrays.position, 0, Int32Array.of(length + t - 1));
        step.run();
      }
      done = Math.max(done, until);
      tokens = [...new Int32Array(await readBuffer(device, arrays.tokens))].slice(0, maxTokens);
      end = tokens.slice(0, done).findIndex((id) => eos.includes(id));
      if (end < 0 && done >= maxTokens) end = maxTokens;
    }
    return {
      tokens: tokens.slice(0, end),
      top5: largest(await readMatrix(device, logits.matrix!)),
    };
  } finally {
    for (const program of [fill, step]) program.destroy();
    for (const tensor of [table, logits, ...caches]) freeTensor(engine, tensor);
    for (const buffer of Object.values(arrays)) buffer.destroy();
  }
}

/**
 * Checks what is asked for before a device is needed.
 *
 * @throws as {@linkcode generate} does
 */
export function checkGeneration(
  { vocab_size: vocabulary }: LlamaConfig,
  { prompt, maxTokens, context }: GenerateOptions,
): void {
  if (prompt.length === 0) throw new RangeError("Cannot generate: the prompt has no tokens");
  for (const id of prompt) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabulary) {
      throw new RangeError(
        `Cannot generate: the prompt's id ${id} is none of ${vocabulary} tokens`,
      );
    }
  }
  if (prompt.length > context) {
    throw new RangeError(
      `Cannot generate: the prompt has ${prompt.length} tokens, and the model's context is ${context}`,
    );
  }
  if (prompt.length + maxTokens > context) {
    throw new RangeError(
      `Cannot generate ${maxTokens} tokens behind a prompt of ${prompt.length}: the model's context is ${context}`,
    );
  }
}

/** The five largest logits; of equal ones the smaller id first, as the greedy choice takes it. */
function largest(logits: Float32Array): Candidate[] {
  return Array.from(logits, (logit, id) => ({ id, logit }))
    .sort((a, b) => b.logit - a.logit || a.id - b.id)
    .slice(0, 5);
}
