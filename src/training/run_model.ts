/** The model that a run's settings ask for. */
import type { PackingLayout } from "../data/packing.ts";
import type { Engine } from "../gpu/program.ts";
import { createModel, type ModelValues, type MultimodalModel } from "../models/multimodal.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import type { PreparedData } from "./prepared_data.ts";
import type { RunSettings, StageSettings } from "./settings.ts";

/**
 * A run's model in one of its stages.
 *
 * @param values What it begins with; the rest is drawn, the decoder taken as prepared.
 */
export function createRunModel(
  engine: Engine,
  { connector, objective, objectiveOptions, projectorWidth, lora, seed, role, stages }: RunSettings,
  stage: StageSettings,
  data: PreparedData,
  values: ModelValues = {},
): MultimodalModel {
  const { config, checkpoint } = data.decoder;
  return createModel(engine, {
    connector,
    objective: OBJECTIVES[objective],
    objectiveOptions,
    decoder: config,
    visionWidth: data.width,
    projectorWidth: projectorWidth || config.hidden_size,
    layout: packingLayout(stage, data),
    seed,
    trained: stage.train,
    // Of the first stage everything is drawn, whether it says so or not.
    anew: stage === stages[0] ? undefined : { modules: stage.draw, name: stage.name },
    lora,
  }, {
    ...values,
    decoder: values.decoder ?? (role === "random-llm" ? undefined : checkpoint),
  });
}

/** How batches of a stage are packed. */
function packingLayout({ training }: StageSettings, data: PreparedData): PackingLayout {
  return {
    batch: training.batch,
    lead: data.lead,
    prefix: data.lead.length + data.tokens,
    blocks: training.questions,
    // Attention works on four tokens at a time.
    block: Math.ceil(data.longestBlock / 4) * 4,
    answers: data.longestAnswer,
    vocabulary: data.decoder.config.vocab_size,
    pad: data.tokenizer.pad,
  };
}
