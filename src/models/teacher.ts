/** A trained model that a student of the same shape learns from (arXiv 2407.04600). */
import { CONNECTORS } from "../connectors/connectors.ts";
import { DEFAULT_LORA } from "../nn/lora.ts";
import { checkedMatrix, zeroMatrices } from "../nn/matrix_values.ts";
import { createParameters, freeParameters } from "../nn/parameters.ts";
import { createAdapters, freeAdapters, loraSpecs } from "./llama_adapters.ts";
import { emptyCheckpoint } from "./llama_weights.ts";
import {
  connectorWidths,
  frozenDecoder,
  isTrained,
  type ModelValues,
  type MultimodalModel,
} from "./multimodal.ts";

/**
 * A trained model beside a student of the same shape, to be learnt from: it reads the student's
 * batches, is never trained, and shares the student's decoder unless it has one of its own. Free it with
 * {@linkcode destroyTeacher}, before the student.
 *
 * @throws {RangeError} If a value is missing or has another shape.
 */
export function createTeacher(
  student: MultimodalModel,
  { connector, decoder, lora }: ModelValues,
): MultimodalModel {
  const { engine, config } = student;
  const widths = connectorWidths(config);
  const frozen = CONNECTORS[config.connector].parameters(widths).map((spec) => {
    const { rows, columns, data } = checkedMatrix("projector", spec, connector?.get(spec.name));
    return { name: spec.name, rows, columns, values: data, frozen: true };
  });
  return {
    ...student,
    config: { ...config, trained: [] },
    connector: createParameters(engine, frozen),
    objective: [],
    decoder: decoder ? frozenDecoder(engine, config.decoder, decoder) : student.decoder,
    lora: lora &&
      createAdapters(engine, config.decoder, config.lora ?? DEFAULT_LORA, lora, { frozen: true }),
  };
}

/** A teacher without values, with all that a student of the round before leaves: for tracing only. */
export function emptyTeacher(student: MultimodalModel): MultimodalModel {
  const { config } = student;
  return createTeacher(student, {
    connector: zeroMatrices(CONNECTORS[config.connector].parameters(connectorWidths(config))),
    ...(isTrained(config, "decoder") && { decoder: emptyCheckpoint(config.decoder) }),
    ...(student.lora &&
      { lora: zeroMatrices(loraSpecs(config.decoder, config.lora ?? DEFAULT_LORA)) }),
  });
}

/** Frees what a teacher does not share with its student. */
export function destroyTeacher(teacher: MultimodalModel, student: MultimodalModel): void {
  const { engine, connector, decoder, lora } = teacher;
  freeParameters(engine, connector);
  if (decoder !== student.decoder) freeParameters(engine, decoder);
  if (lora) freeAdapters(engine, lora);
}
