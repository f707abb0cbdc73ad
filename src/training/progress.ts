/**
 * How far a run has come: all that it needs to go on as if it had never stopped.
 */
import { type ModelWeights, type MultimodalModel, readWeights } from "../models/multimodal.ts";
import type { StepLosses, TrainingStep } from "../models/training_step.ts";
import { readTrainingState, type TrainingState, writeTrainingState } from "../nn/training_state.ts";
import type { DiagnosticPoint, ValidationPoint } from "../records/record.ts";

/** What a run has done of a stage. */
interface Done {
  /** Place of the stage. */
  stage: number;
  /** Of every step of the stage so far. */
  losses: StepLosses[];
  validation: ValidationPoint[];
  diagnostics: DiagnosticPoint[];
  /** Seconds that the stage took. */
  seconds: number;
}

/** What a run goes on from. */
export interface Progress extends Done {
  /** Of every part of the model, trained or not. */
  values: ModelWeights;
  /** Of what the stage trains, as it stands on the device, with the optimiser's moments. */
  state: TrainingState;
}

const parametersOf = ({ connector, objective, decoder, lora }: MultimodalModel) => [
  ...connector,
  ...objective,
  ...decoder,
  ...lora?.parameters ?? [],
];

/**
 * Reads how far a run has come. Waits for the queue.
 *
 * @param done What is not in the model; `first` is what the model began with.
 */
export async function readProgress(
  model: MultimodalModel,
  { moments }: TrainingStep,
  { first, ...done }: Done & { first: Partial<ModelWeights> },
): Promise<Progress> {
  return {
    ...done,
    values: { ...first, ...await readWeights(model) },
    state: await readTrainingState(model.engine, parametersOf(model), moments),
  };
}

/**
 * Puts a model, made with the progress's values, and its optimiser back to where they were.
 *
 * @throws {TypeError | RangeError} If the progress belongs to another model.
 */
export function restoreProgress(
  model: MultimodalModel,
  { moments }: TrainingStep,
  { state }: Progress,
): void {
  writeTrainingState(model.engine, parametersOf(model), moments, state);
}
