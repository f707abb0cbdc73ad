/** Questions to the multimodal model: token loss, greedy answers with a key/value cache, projections. */
import { createArray, readBuffer, readMatrix } from "../gpu/memory.ts";
import { compileProgram, freeTensor, writeStep } from "../gpu/program.ts";
import { greedyChoice } from "../tensor/decode.ts";
import { gatherRows } from "../tensor/embedding.ts";
import { type LossRing, rowTotal } from "../tensor/reduce.ts";
import { createTape, keep } from "../tensor/tape.ts";
import { llamaDecodeLayers, llamaHead } from "./llama.ts";
import {
  type MultimodalModel,
  tensorsOf,
  traceDecoder,
  traceProjection,
  traceTokenLoss,
} from "./multimodal.ts";

/** Programs that question a model without training it. */
export interface Questioner {
  /** Mean token loss of the answers of the batch that was written, nats. Waits for the queue. */
  tokenLoss(answerTokens: number): Promise<number>;
  /**
   * Greedy answers of the batch that was written: `tokens[t][block]`. Waits for the queue.
   *
   * @param promptLengths as packed
   */
  generate(promptLengths: Int32Array, maxTokens: number): Promise<Int32Array[]>;
  /** z = P1(x) and the objective's row losses of the batch that was written. Waits for the queue. */
  project(): Promise<{ z: Float32Array; cosineLoss: Float32Array | null }>;
  destroy(): void;
}

/** Traces and compiles the programs of evaluation: token loss, prefill, decoding, projection. */
export function compileQuestioner(model: MultimodalModel): Questioner {
  const { engine, config, inputs } = model;
  const { device } = engine;
  const { layout, decoder } = config;
  const blocks = layout.batch * layout.blocks;
  const weights = tensorsOf(model.decoder);
  const ring: LossRing = { buffer: createArray(device, 4, "evaluation loss"), slots: 1 };
  const next = createArray(device, blocks, "next tokens");
  const tokens = createArray(device, blocks * layout.answers, "generated tokens");
  const decodePositions = createArray(device, blocks, "decode positions");

  const lossTape = createTape(engine);
  rowTotal(
    lossTape,
    traceTokenLoss(lossTape, model, traceProjection(lossTape, model)),
    ring,
    0,
    "token",
  );

  const prefillTape = createTape(engine);
  const prefill = traceDecoder(prefillTape, model, traceProjection(prefillTape, model));
  prefill.caches.forEach((cache) => keep(engine, cache));
  const last = gatherRows(prefillTape, prefill.output, blocks, {
    rowsOf: inputs.promptRows,
    inverse: inputs.promptRows,
  });
  greedyChoice(prefillTape, llamaHead(prefillTape, decoder, weights, last), { next, tokens });

  const decodeTape = createTape(engine);
  const table = weights.get("model.embed_tokens.weight")!;
  const newTokens = gatherRows(decodeTape, table, blocks, { rowsOf: next, inverse: next });
  const decoded = llamaDecodeLayers(decodeTape, decoder, weights, newTokens, {
    table: inputs.ropeTable,
    positions: decodePositions,
  }, {
    caches: prefill.caches,
    lengths: inputs.promptLengths,
    sequence: layout,
  });
  greedyChoice(decodeTape, llamaHead(decodeTape, decoder, weights, decoded), { next, tokens });

  const projectTape = createTape(engine);
  const z = keep(engine, traceProjection(projectTape, model));
  const cosine = config.objective.trace(projectTape, {
    x: inputs.images,
    z,
    parameters: tensorsOf(model.objective),
  });
  if (cosine) keep(engine, cosine);

  const [loss, fill, decode, projection] = [lossTape, prefillTape, decodeTape, projectTape].map((
    tape,
  ) => compileProgram(engine, tape.commands));
  return {
    async tokenLoss(answerTokens) {
      writeStep(engine, { tokenScale: 1 / answerTokens });
      loss.run();
      return new Float32Array(await readBuffer(device, ring.buffer))[0];
    },
    async generate(promptLengths, maxTokens) {
      writeStep(engine, { slot: 0 });
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
      const all = new Int32Array(await readBuffer(device, tokens));
      return Array.from({ length: maxTokens }, (_, t) => all.slice(t * blocks, (t + 1) * blocks));
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
      for (const program of [loss, fill, decode, projection]) program.destroy();
      for (const tensor of [...prefill.caches, z, ...(cosine ? [cosine] : [])]) {
        freeTensor(engine, tensor);
      }
      for (const buffer of [ring.buffer, next, tokens, decodePositions]) buffer.destroy();
    },
  };
}
