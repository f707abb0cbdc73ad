/** The model that a run's settings ask for. */
import type { PackingLayout } from "../data/packing.ts";
import type { Engine } from "../gpu/program.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import { createModel, type MultimodalModel } from "../models/multimodal.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import type { PreparedData } from "./prepared_data.ts";
import type { RunSettings } from "./settings.ts";

/** A run's model with its first values. */
export function createRunModel(
  engine: Engine,
  settings: RunSettings,
  data: PreparedData,
): MultimodalModel {
  const layout = packingLayout(settings, data);
  return createModel(engine, {
    connector: settings.connector,
    objective: OBJECTIVES[settings.objective],
    decoder: decoderConfig(settings, layout.vocabulary),
    visionWidth: data.width,
    projectorWidth: settings.model.projectorWidth || settings.model.hiddenSize,
    layout,
    seed: settings.seed,
  });
}

/** The decoder's configuration for a vocabulary. */
function decoderConfig({ model }: RunSettings, vocabulary: number): LlamaConfig {
  return {
    vocab_size: vocabulary,
    hidden_size: model.hiddenSize,
    intermediate_size: model.intermediateSize,
    num_hidden_layers: model.layers,
    num_attention_heads: model.heads,
    num_key_value_heads: model.kvHeads,
    head_dim: model.headDim,
    rms_norm_eps: model.rmsNormEps,
    rope_theta: model.ropeTheta,
    tie_word_embeddings: model.tieWordEmbeddings,
  };
}

/** How batches of a run are packed. */
function packingLayout({ training }: RunSettings, data: PreparedData): PackingLayout {
  return {
    batch: training.batch,
    prefix: data.tokens,
    blocks: training.questions,
    // Attention works on four tokens at a time.
    block: Math.ceil(data.longestBlock / 4) * 4,
    answers: data.longestAnswer,
    vocabulary: data.tokenizer.vocabularySize,
    pad: data.tokenizer.pad,
  };
}
