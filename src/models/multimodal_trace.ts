/**
 * How the multimodal model is traced: x -> P1 -> [ z | question ] -> decoder -> L_TP, and L_cos beside it.
 */
import { CONNECTORS } from "../connectors/connectors.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { tensorsOf } from "../nn/matrix_values.ts";
import { sequenceLength } from "../tensor/attention.ts";
import { embedding } from "../tensor/embedding.ts";
import { crossEntropy, type Teacher } from "../tensor/losses.ts";
import type { Tape } from "../tensor/tape.ts";
import { type BeforeLayer, llamaHead, llamaLayers, type OutputRows } from "./llama.ts";
import { tracedAdapters } from "./llama_adapters.ts";
import { connectorWidths, type MultimodalModel, objectiveOptions } from "./multimodal.ts";

/** z = P1(x): (batch * image tokens, d). */
export function traceProjection(tape: Tape, model: MultimodalModel): Tensor {
  return CONNECTORS[model.config.connector].trace(
    tape,
    model.inputs.images,
    tensorsOf(model.connector),
  );
}

/** L_cos as its objective traces it, or nothing. */
export function traceObjective(tape: Tape, model: MultimodalModel, z: Tensor): Tensor | undefined {
  return model.config.objective.trace(tape, {
    x: model.inputs.images,
    z,
    parameters: tensorsOf(model.objective),
    options: objectiveOptions(model.config),
  });
}

/** The rows that predict answers. */
export function answerRows({ config: { layout }, inputs }: MultimodalModel): OutputRows {
  return {
    rows: layout.batch * layout.blocks * layout.answers,
    rowsOf: inputs.answerRows,
    inverse: inputs.answerOfRow,
  };
}

/**
 * z -> decoder layers over the packed sequence.
 *
 * @param dropout Rate before the adapters; 0 but in training.
 * @param asked The rows whose output is wanted; all of them when absent.
 */
export function traceDecoder(
  tape: Tape,
  model: MultimodalModel,
  z: Tensor,
  { dropout = 0, asked }: { dropout?: number; asked?: OutputRows } = {},
): { output: Tensor; caches: Tensor[] } {
  const { config: { decoder, layout }, inputs } = model;
  const weights = tensorsOf(model.decoder);
  const rows = layout.batch * sequenceLength(layout);
  const embedded = embedding(
    tape,
    weights.get("model.embed_tokens.weight")!,
    inputs.looks?.noImages ?? z,
    inputs.index,
    rows,
  );
  const ropeInputs = { table: inputs.ropeTable, positions: inputs.positions };
  const adapters = model.lora && tracedAdapters(model.lora, dropout);
  const before = traceLooks(tape, model, z, "rows");
  return llamaLayers(tape, decoder, weights, embedded, ropeInputs, layout, adapters, asked, before);
}

/**
 * How the decoder's layers look at z before they work; undefined where z stands in the sequence.
 *
 * @param of Rows of the sequence, or one new token a block.
 */
export function traceLooks(
  tape: Tape,
  { config, connector, inputs }: MultimodalModel,
  z: Tensor,
  of: "rows" | "newTokens",
): BeforeLayer | undefined {
  const { look } = CONNECTORS[config.connector];
  if (!look) return undefined;
  const { heads } = connectorWidths(config);
  const parameters = tensorsOf(connector);
  const attended = inputs.looks![of];
  return (h, layer) => look(tape, layer, { h, z, parameters, heads, attended });
}

/**
 * Token loss of the batch's answers: (answer rows, 4).
 *
 * @param output of the decoder's layers at {@linkcode answerRows}, (answer rows, d)
 * @param teacher Whose predictions are learnt beside the answers.
 */
export function traceTokenLoss(
  tape: Tape,
  model: MultimodalModel,
  output: Tensor,
  teacher?: Teacher,
): Tensor {
  return crossEntropy(tape, traceLogits(tape, model, output), model.inputs.labels, teacher);
}

function traceLogits(tape: Tape, model: MultimodalModel, output: Tensor): Tensor {
  return llamaHead(tape, model.config.decoder, tensorsOf(model.decoder), output);
}

/** What a teacher says to the batch's questions: logits at {@linkcode answerRows}. */
export function tracePredictions(tape: Tape, model: MultimodalModel): Tensor {
  const z = traceProjection(tape, model);
  const { output } = traceDecoder(tape, model, z, { asked: answerRows(model) });
  return traceLogits(tape, model, output);
}
