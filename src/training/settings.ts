/** The settings of one run, as resolved from study, arm and options. */

/** Shape of the decoder and of the projector's inner layer. */
export interface ModelSettings {
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ropeTheta: number;
  rmsNormEps: number;
  tieWordEmbeddings: boolean;
  /** Width of the layer inside P1; 0 for the hidden size. */
  projectorWidth: number;
}

/** The training loop. */
export interface TrainingSettings {
  /** Optimiser steps. */
  steps: number;
  /** Images a step. */
  batch: number;
  /** Questions an image, packed into its sequence. */
  questions: number;
  /** Most tokens of a question with its answer. */
  context: number;
  learningRate: number;
  /** Share of the steps with a rising learning rate. */
  warmup: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Largest global gradient norm, for P1 and decoder and for P2 apart; 0 for none. */
  clip: number;
}

/** What is measured besides the test. */
export interface EvaluationSettings {
  /** Times that validation accuracy is measured during training. */
  validations: number;
  /** Validation images asked each time. */
  validationImages: number;
  /** Test images whose projected tokens the embedding statistics are taken over. */
  embeddingImages: number;
}

/** Everything that determines a run besides data, encoder and adapter. */
export interface RunSettings {
  role: "arm" | "question-only";
  arm: string;
  connector: string;
  objective: string;
  lambda: number;
  seed: number;
  fold: number;
  stage: string;
  model: ModelSettings;
  training: TrainingSettings;
  evaluation: EvaluationSettings;
}
