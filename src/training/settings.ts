/** The settings of one run, as resolved from study, arm and options. */
import type { Module } from "../models/multimodal.ts";
import type { LoraConfig } from "../nn/lora.ts";
import type { LAMBDA_SCHEDULES } from "../nn/schedule.ts";
import type { RunRole } from "../records/record.ts";

/** Shape of a decoder that begins from random weights. */
export interface DecoderShape {
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ropeTheta: number;
  rmsNormEps: number;
  tieWordEmbeddings: boolean;
}

/** The training loop of a stage. */
export interface TrainingSettings {
  /** Optimiser steps; where `epochs` is given, those decide. */
  steps: number;
  /** Times that every training image is seen. */
  epochs?: number;
  /** Images a step. */
  batch: number;
  /** Questions an image, packed into its sequence. */
  questions: number;
  /** Most tokens of a question with its answer. */
  context: number;
  learningRate: number;
  /** How the learning rate falls after the warm-up. */
  schedule: "cosine" | "constant";
  /** Share of the steps with a rising learning rate. */
  warmup: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Largest global gradient norm, for P1, decoder and adapters and for P2 apart; 0 for none. */
  clip: number;
}

/** A stage of training: what is trained, how, and what begins anew. */
export interface StageSettings {
  name: string;
  /** What is trained; everything else is frozen. */
  train: Module[];
  /** What is drawn anew before it; everything else goes on from the stage before. */
  draw: Module[];
  training: TrainingSettings;
}

/** What is measured besides the test. */
export interface EvaluationSettings {
  /** Times that validation accuracy is measured during a stage. */
  validations: number;
  /** Validation images asked each time. */
  validationImages: number;
  /** Test images whose projected tokens the embedding statistics are taken over. */
  embeddingImages: number;
}

/** Everything that determines a run besides data, encoder, decoder and adapter. */
export interface RunSettings {
  role: RunRole;
  arm: string;
  connector: string;
  objective: string;
  /** The objective's options, defaults among them. */
  objectiveOptions: Readonly<Record<string, unknown>>;
  lambda: number;
  /** How lambda goes over the steps of a stage. */
  lambdaSchedule: keyof typeof LAMBDA_SCHEDULES;
  seed: number;
  fold: number;
  /** Round of repeated self-distillation, from 0: the student of round r has that of r - 1 as its teacher. */
  round: number;
  /** Weight of the teacher's predictions, from round 1 on. */
  xi: number;
  /** In order; the model is tested after each. */
  stages: StageSettings[];
  /** Width of the layer inside P1; 0 for the decoder's hidden size. */
  projectorWidth: number;
  lora: LoraConfig;
  evaluation: EvaluationSettings;
}
