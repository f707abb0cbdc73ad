/**
 * The run record: everything one run leaves behind, and the results file that gathers them.
 *
 * A figure in a report is traced to these and to nothing else.
 */

import type { AdapterRecord } from "../gpu/adapter_info.ts";

/** Version of the record layout; raised when a field changes its meaning. */
export const SCHEMA_VERSION = 1;

/**
 * Share of questions answered right, from 0 to 1, and how many were asked. Where several people have
 * answered each question it is the mean VQA accuracy.
 */
export interface TypeAccuracy {
  /** Share of questions answered right, from 0 to 1. */
  accuracy: number;
  /** Questions asked. */
  n: number;
}

/** Accuracy over all questions and by question type. */
export interface Accuracy {
  /** Share of all questions answered right, from 0 to 1. */
  overall: number;
  /** The same by question type. */
  byType: Record<string, TypeAccuracy>;
}

/** What generated answers have in common with the true ones, from 0 to 1: means over the test questions. */
export interface AnswerOverlap {
  /** Share of answers that are the true one, case and punctuation aside. */
  exactMatch: number;
  /** Token F1 (arXiv 1606.05250). */
  tokenF1: number;
  /** BLEU-1 of each answer, with brevity penalty (Papineni and others 2002). */
  bleu1: number;
}

/** One point of the training curve. */
export interface CurvePoint {
  /** Optimiser steps done. */
  step: number;
  /** L_TP: mean cross-entropy of the answer tokens, nats. */
  tokenLoss: number;
  /** L_cos before lambda; null where the arm has none. */
  cosineLoss: number | null;
}

/** One point of the validation curve. */
export interface ValidationPoint {
  /** Optimiser steps done. */
  step: number;
  /** Share of validation questions answered right, from 0 to 1. */
  accuracy: number;
}

/** What the two losses do to P1, measured on the batch of a step. */
export interface DiagnosticPoint {
  /** Optimiser steps done. */
  step: number;
  /** Norm of the gradient of L_TP by P1's parameters. */
  tokenGradientNorm: number;
  /** The same of lambda L_cos; null where the arm has none. */
  cosineGradientNorm: number | null;
  /** Mean Euclidean norm of the rows of P1(x). */
  meanNorm: number;
  /** Mean cosine over pairs of different rows of P1(x). */
  averageCosine: number;
  /** |P2(z) - z| / |z| over all rows; null where P2 does not lead from d to d. */
  p2Distance: number | null;
}

/** Statistics of the projected image tokens of held-out pictures, Z = P1(x), one row a token. */
export interface EmbeddingStatistics {
  /** Rows of Z. */
  tokens: number;
  /** Mean cosine over pairs of different rows, from -1 to 1; near 1 in a cone. */
  averageCosine: number;
  /** Roy and Vetterli (2007), of Z as it is: from 1 to min(tokens, width). */
  effectiveRank: number;
  /** The same with the columns' means taken off. */
  effectiveRankCentred: number;
  /** (sum v)^2 / sum v^2 over the eigenvalues v of the covariance of Z: from 1 to the width. */
  participationRatio: number;
  /** Mean Euclidean norm of the rows of Z. */
  meanNorm: number;
  /** Mean Euclidean norm of the LLM's text embeddings. */
  textMeanNorm: number;
  /** L_cos on the held-out pictures; null where the arm has none. */
  cosineLoss: number | null;
  /** Mean cos(z, P2(z)) of a P2 that was trained on these tokens afterwards; absent in older records. */
  freshP2Cosine?: number;
}

/** Statistics of one matrix of embeddings, a token a row. */
export interface MatrixGeometry {
  /** Embeddings. */
  rows: number;
  /** Width of an embedding. */
  width: number;
  /** Roy and Vetterli (2007), of the rows as they are: from 1 to min(rows, width). */
  effectiveRank: number;
  /** The same with the columns' means taken off. */
  effectiveRankCentred: number;
  /** RankMe (2023): the effective rank with 1e-7 added to every share. */
  rankMe: number;
  /** (sum v)^2 / sum v^2 over the eigenvalues v of the covariance: from 1 to the width. */
  participationRatio: number;
  /** Mean cosine over pairs of different rows, from -1 to 1. */
  averageCosine: number;
  /** ln of the mean over pairs of exp(-2 squared distance of unit rows): 0 in a complete collapse. */
  uniformity: number;
  /** Mean standard deviation (n - 1) of the unit rows' columns, times sqrt(width): 0 to about 1. */
  collapseGauge: number;
  /** The same with n. */
  collapseGaugePopulation: number;
  /** (participation ratio - 1) / (width - 1). */
  isoScore: number;
}

/** How embeddings X before the projector, Z behind it and T of text go together. */
export interface PairGeometry {
  /** Linear CKA of X and Z, 0 to 1. */
  linearCka: number;
  /** Share of the 5 nearest neighbours in X that stay in Z; null with too few rows. */
  neighbourOverlap5: number | null;
  /** The same with 10. */
  neighbourOverlap10: number | null;
  /** R^2 of X from Z by ridge regression on unseen rows: mean over columns, and weighted by variance. */
  ridgeR2: { uniform: number; varianceWeighted: number };
  /** Distance of the mean unit rows of Z and T, 0 to 2; absent without T. */
  modalityGap?: number;
  /** Median norm of Z over that of T; absent without T. */
  normRatio?: number;
  /** Mean cosine of Z with its image under a further transformation; absent without one. */
  meanCosine?: number;
  /** Mean squared distance of the same unit rows; absent without one. */
  alignment?: number;
}

/** Shape of the embeddings of held-out pictures before the projector (X), behind it (Z), and of text (T). */
export interface EmbeddingGeometry {
  /** Image tokens before P1. */
  X: MatrixGeometry;
  /** The same tokens behind it. */
  Z: MatrixGeometry;
  /** Text embeddings of the tokens that the data set's questions and answers use. */
  T: MatrixGeometry;
  /** Of the matrices together. */
  pairs: PairGeometry;
  /** The regression behind `pairs.ridgeR2`. */
  ridge: { lambda: number; trainRows: number };
  /**
   * Rows whose pairs with all rows stand behind uniformity, neighbours and cosines; null where all
   * rows do.
   */
  sampled: { X: number | null; T: number | null };
  /** Share of the pairs of rows by cosine, in equal bins from -1 to 1. */
  cosines: { X: number[]; Z: number[] };
  /** Singular values by rank (from 1), largest 1; at most 64 of them. */
  spectrum: { X: [rank: number, value: number][]; Z: [rank: number, value: number][] };
  /** Image tokens Z among text tokens T on the first two principal components of both together. */
  map: {
    image: [number, number][];
    text: [number, number][];
    /** Share of the variance along each component. */
    explained: [number, number];
  };
}

/** Name of the arm that the others are compared with. */
export const BASELINE = "baseline";

/** What runs are for, in the order of the report: compared arms, then the controls. */
export const RUN_ROLES = [
  "arm",
  "question-only",
  "shuffled-images",
  "random-encoder",
  "random-llm",
] as const;

/** What a run is for. */
export type RunRole = typeof RUN_ROLES[number];

/** A generated answer. */
export interface GivenAnswer {
  /** Of the question. */
  id: string;
  /** Of its picture; absent in older records. */
  image?: string;
  /** What was generated. */
  answer: string;
  /** Whether it is the true answer, case and punctuation aside. */
  correct: boolean;
  /** VQA accuracy, from 0 to 1, where several people have answered the question. */
  score?: number;
}

/** One trained and tested model. */
export interface RunRecord {
  /** {@linkcode SCHEMA_VERSION} when it was written. */
  schemaVersion: number;
  /** Name of the study. */
  study: string;
  /** A compared variant, or a control: one constant image, images of others, a tower or a decoder with random weights. */
  role: RunRole;
  /** Name of the arm, or of the control. */
  arm: string;
  /** Name of the connector, P1. */
  connector: string;
  /** Name of the loss L_cos; `none` where there is none. */
  objective: string;
  /** Weight of L_cos, from 0. */
  lambda: number;
  /** Seed of weights and batch order, from 1. */
  seed: number;
  /** Fold of the data, from 0. */
  fold: number;
  /** Round of repeated self-distillation, from 0; absent in older records, whose runs had one. */
  round?: number;
  /** Stage after which the model was tested. */
  stage: string;
  /** Optimiser steps of the stage. */
  steps: number;
  /** Numbers in the model that answers questions, and those that were trained (P2 among them). */
  parameters: { total: number; trained: number };
  /** On the test split. */
  accuracy: Accuracy;
  /** On the test split; absent in older records. */
  overlap?: AnswerOverlap;
  /** Losses in nats (L_TP) and before lambda (L_cos). */
  losses: {
    /** Mean over the last tenth of the steps. */
    tokenLoss: number;
    cosineLoss: number | null;
    testTokenLoss: number;
    curve: CurvePoint[];
    validation: ValidationPoint[];
    /** Each time that validation accuracy is measured; absent in older records. */
    diagnostics?: DiagnosticPoint[];
  };
  /** Of projected image tokens of test pictures. */
  embedding: EmbeddingStatistics;
  /** Of image tokens of the same pictures before and behind P1; absent in older records. */
  geometry?: EmbeddingGeometry;
  /** Test answers in question order. */
  answers: GivenAnswer[];
  /**
   * Over names and weights of what answers questions and was trained, P1 always, adapters and decoder
   * where they were, in name order; P2 takes no part.
   */
  weightsSha256: string;
  /** Of all that determines the run; absent in older records. */
  id?: string;
  /** Number of the engine that trained it; absent in older records. */
  engine?: number;
  /** Resolved configuration of the run. */
  config: unknown;
  /** Adapter that it ran on. */
  adapter: AdapterRecord;
  /** Form of the operands: `image` (storage textures) or `buffer`. */
  operandForm: string;
  /** Wall time of training with its validations, and of the test. */
  seconds: { train: number; evaluate: number };
  /** Versions of the programs that ran. */
  versions: { plumbline: string; deno: string };
}

/** What names one run of a study. */
export interface RunKey {
  /** `arm`, or the control. */
  role: RunRole;
  /** Name of the arm, or of the control. */
  arm: string;
  /** Weight of L_cos, from 0. */
  lambda: number;
  /** Seed of weights and batch order, from 1. */
  seed: number;
  /** Fold of the data, from 0. */
  fold: number;
  /** Round of repeated self-distillation; 0 when absent. */
  round?: number;
  /** Stage that is trained. */
  stage: string;
}

/** A run that has no record, because its training could not be ended. */
export interface RunFailure extends RunKey {
  /** {@linkcode SCHEMA_VERSION} when it was written. */
  schemaVersion: number;
  /** As a record's. */
  id: string;
  /** A loss or a gradient was no number any more, or the device was lost again and again. */
  reason: "diverged" | "device lost";
  /** The step of the stage at which it was found, from 1; null where it is not known. */
  step: number | null;
}

/** What the records of one study share, and the majority control, which has no run. */
export interface StudyRecord {
  /** {@linkcode SCHEMA_VERSION} when it was written. */
  schemaVersion: number;
  /** Name of the study. */
  study: string;
  /** Title of the report. */
  title: string;
  /** The question that the study is to settle. */
  question: string;
  /** The data set, with pictures and questions of each split. */
  data: {
    name: string;
    source: string;
    contentHash: string;
    images: Record<string, number>;
    questions: Record<string, number>;
  };
  /** The frozen image encoder: T tokens of width d_v. */
  encoder: {
    name: string;
    description: string;
    contentHash: string;
    tokens: number;
    width: number;
  };
  /** One line about the decoder and how it is trained. */
  model: string;
  /** Settings of the study as resolved, options applied. */
  config: unknown;
  /** The command that reproduces it, without paths. */
  command: string;
  /** Folds of the training and validation sets together, each tested once; without them the test set is. */
  folds?: { count: number; by: "image" | "question" };
  /** The control that gives the commonest training answer to the same question text. */
  majority: Accuracy;
  /** Every run that the study asks for; a report names those that have no record. */
  planned?: RunKey[];
}

/** `DIR/results.json`. */
export interface Results {
  /** {@linkcode SCHEMA_VERSION} when it was written. */
  schemaVersion: number;
  /** Name of the study. */
  study: string;
  /** Adapter of the first run. */
  adapter: AdapterRecord;
  /** Runs of arms and controls, without their answers and the points of figures. */
  runs: (Omit<RunRecord, "answers" | "geometry"> & {
    geometry?: Omit<EmbeddingGeometry, "cosines" | "spectrum" | "map">;
  })[];
  /** The control that has no run: as the study's. */
  controls: { majority: Accuracy };
}
