/** The model that a run's settings ask for. */
import { CONNECTORS } from "../connectors/connectors.ts";
import type { PackingLayout } from "../data/packing.ts";
import type { Engine } from "../gpu/engine.ts";
import {
  createModel,
  type ModelValues,
  type Module,
  MODULES,
  type MultimodalModel,
} from "../models/multimodal.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import { controlOf } from "./controls.ts";
import type { PreparedData } from "./prepared_data.ts";
import type { RunSettings, StageSettings } from "./settings.ts";

/**
 * A run's model in one of its stages.
 *
 * @param values What it begins with; the rest is drawn, the decoder taken as prepared.
 */
export function createRunModel(
  engine: Engine,
  settings: RunSettings,
  stage: StageSettings,
  data: PreparedData,
  values: ModelValues = {},
): MultimodalModel {
  const { connector, objective, objectiveOptions, projectorWidth, lora, seed, role } = settings;
  const { config, checkpoint } = data.decoder;
  return createModel(engine, {
    connector,
    objective: OBJECTIVES[objective],
    objectiveOptions,
    decoder: config,
    visionWidth: data.width,
    projectorWidth: projectorWidth || config.hidden_size,
    layout: packingLayout(settings, stage, data),
    seed,
    trained: stage.train,
    anew: drawnAnew(settings, stage),
    lora,
  }, {
    ...values,
    decoder: values.decoder ?? (controlOf(role).randomLlm ? undefined : checkpoint),
  });
}

/**
 * What names the draws of each module besides its own name: the round, for what a student trains is
 * drawn anew and what stays frozen is its teacher's too, and the stage where it says so. Of the first
 * stage everything is drawn, whether it says so or not.
 */
function drawnAnew(
  { round, stages }: RunSettings,
  stage: StageSettings,
): Partial<Record<Module, string>> {
  return Object.fromEntries(MODULES.flatMap((module) => {
    const isLearnt = stages.some(({ train }) => train.includes(module));
    const parts = [
      ...(round > 0 && isLearnt ? [`round-${round}`] : []),
      ...(stage !== stages[0] && stage.draw.includes(module) ? [stage.name] : []),
    ];
    return parts.length > 0 ? [[module, parts.join("/")] as const] : [];
  }));
}

/** How batches of a stage are packed. */
function packingLayout(
  { connector }: RunSettings,
  { training }: StageSettings,
  data: PreparedData,
): PackingLayout {
  const isBeside = CONNECTORS[connector].look !== undefined;
  return {
    batch: training.batch,
    lead: data.lead,
    prefix: data.lead.length + (isBeside ? 0 : data.tokens),
    ...(isBeside && { beside: data.tokens }),
    blocks: training.questions,
    // Attention works on four tokens at a time.
    block: Math.ceil(data.longestBlock / 4) * 4,
    answers: data.longestAnswer,
    vocabulary: data.decoder.config.vocab_size,
    pad: data.tokenizer.pad,
  };
}
