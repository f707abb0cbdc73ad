/** Questions to the multimodal model: token loss, greedy answers with a key/value cache, projections. */
import type { PackedBatch } from "../data/packing.ts";
import type { Command } from "../gpu/command.ts";
import { writeStep } from "../gpu/engine.ts";
import { createArray, readBuffer, readMatrix } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor } from "../gpu/tensor.ts";
import { tensorsOf } from "../nn/matrix_values.ts";
import { greedyChoice } from "../tensor/decode.ts";
import { gatherRows } from "../tensor/embedding.ts";
import { rowTotal } from "../tensor/reduce.ts";
import { createTape, keep } from "../tensor/tape.ts";
import { llamaDecodeLayers, llamaHead } from "./llama.ts";
import { tracedAdapters } from "./llama_adapters.ts";
import type { MultimodalModel } from "./multimodal.ts";
import {
  answerRows,
  traceDecoder,
  traceLooks,
  traceObjective,
  traceProjection,
  traceTokenLoss,
} from "./multimodal_trace.ts";

/** What a batch of questions gave. */
export interface Asked {
  /** Greedy answers: `tokens[t][block]`. */
  tokens: Int32Array[];
  /** Mean loss of the true answers' tokens, nats; 0 where the batch has none. */
  tokenLoss: number;
}

/** Programs that question a model without training it. */
export interface Questioner {
  /** Dispatches of its programs. */
  commands: readonly Command[];
  /**
   * Asks the batch that was written. The next batch may be written and asked before the answers of
   * this one are there.
   *
   * @param packed the batch as packed; its true answers lie behind the prompts, where no prompt sees them
   */
  ask(
    packed: Pick<PackedBatch, "promptLengths" | "answerTokens">,
    maxTokens: number,
  ): Promise<Asked>;
  /** z = P1(x) and the objective's row losses of the batch that was written. Waits for the queue. */
  project(): Promise<{ z: Float32Array; cosineLoss: Float32Array | null }>;
  destroy(): void;
}

/** Traces and compiles the programs of evaluation: prefill with token loss, decoding, projection. */
export function compileQuestioner(model: MultimodalModel): Questioner {
  const { engine, config, inputs } = model;
  const { device } = engine;
  const { layout, decoder } = config;
  const blocks = layout.batch * layout.blocks;
  const weights = tensorsOf(model.decoder);
  const ring = createArray(device, 4, "evaluation loss");
  const next = createArray(device, blocks, "next tokens");
  const tokens = createArray(device, blocks * layout.answers, "generated tokens");
  const decodePositions = createArray(device, blocks, "decode positions");

  const prefillTape = createTape(engine);
  // New tokens look at it too, where it stands beside the sequence.
  const seen = traceProjection(prefillTape, model);
  if (inputs.looks) keep(seen);
  const prefill = traceDecoder(prefillTape, model, seen);
  prefill.caches.forEach(keep);
  const predicting = answerRows(model);
  const answers = gatherRows(prefillTape, prefill.output, predicting.rows, predicting);
  rowTotal(prefillTape, traceTokenLoss(prefillTape, model, answers), ring, 0, "token");
  const last = gatherRows(prefillTape, prefill.output, blocks, {
    rowsOf: inputs.promptRows,
    inverse: inputs.promptRows,
  });
  greedyChoice(prefillTape, llamaHead(prefillTape, decoder, weights, last), { next, tokens });

  const decodeTape = createTape(engine);
  const table = weights.get("model.embed_tokens.weight")!;
  const newTokens = gatherRows(decodeTape, table, blocks, { rowsOf: next, inverse: next });
  const decoded = llamaDecodeLayers(
    decodeTape,
    decoder,
    weights,
    newTokens,
    {
      table: inputs.ropeTable,
      positions: decodePositions,
    },
    {
      caches: prefill.caches,
      lengths: inputs.promptLengths,
      sequence: layout,
    },
    model.lora && tracedAdapters(model.lora),
    traceLooks(decodeTape, model, seen, "newTokens"),
  );
  greedyChoice(decodeTape, llamaHead(decodeTape, decoder, weights, decoded), { next, tokens });

  const projectTape = createTape(engine);
  const z = keep(traceProjection(projectTape, model));
  const cosine = traceObjective(projectTape, model, z);
  if (cosine) keep(cosine);

  const programs = [prefillTape, decodeTape, projectTape].map(({ commands }) =>
    compileProgram(engine, commands)
  );
  const [fill, decode, projection] = programs;
  return {
    commands: [prefillTape, decodeTape, projectTape].flatMap(({ commands }) => commands),
    async ask({ promptLengths, answerTokens }, maxTokens) {
      writeStep(engine, { slot: 0, tokenScale: 1 / Math.max(1, answerTokens) });
      fill.run();
      for (let t = 1; t < maxTokens; t++) {
        writeStep(engine, { slot: t });
        // A new token stands behind the prompt and the tokens generated before it.
        const positions = promptLengths.map((length) =>
          Math.min(layout.prefix + length + t - 1, layout.prefix + layout.block - 1)
        );
        device.queue.writeBuffer(decodePositions, 0, positions as Int32Array<ArrayBuffer>);
        decode.run();
      }
      // Both copies are in the queue before the first wait, so a later batch cannot get ahead of them.
      const [lossBytes, tokenBytes] = await Promise.all([
        readBuffer(device, ring),
        readBuffer(device, tokens),
      ]);
      const all = new Int32Array(tokenBytes);
      return {
        tokens: Array.from(
          { length: maxTokens },
          (_, t) => all.slice(t * blocks, (t + 1) * blocks),
        ),
        tokenLoss: new Float32Array(lossBytes)[0],
      };
    },
    async project() {
      writeStep(engine, {});
      projection.run();
      const rows = cosine && await readMatrix(device, cosine.matrix!);
      return {
        z: await readMatrix(device, z.matrix!),
        cosineLoss: rows ? rows.filter((_, i) => i % 4 === 0) : null,
      };
    },
    destroy() {
      for (const program of programs) program.destroy();
      for (
        const tensor of [
          ...prefill.caches,
          ...(inputs.looks ? [seen] : []),
          z,
          ...(cosine ? [cosine] : []),
        ]
      ) {
        freeTensor(engine, tensor);
      }
      for (const buffer of [ring, next, tokens, decodePositions]) buffer.destroy();
    },
  };
}
