/**
 * The run record: everything one run leaves behind, and the results file that gathers them.
 *
 * A figure in a report is traced to these and to nothing else.
 */

/** Version of the record layout; raised when a field changes its meaning. */
export const SCHEMA_VERSION = 1;

/** Share of questions answered right, from 0 to 1, and how many were asked. */
export interface TypeAccuracy {
  accuracy: number;
  n: number;
}

/** Accuracy over all questions and by question type. */
export interface Accuracy {
  overall: number;
  byType: Record<string, TypeAccuracy>;
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
  step: number;
  accuracy: number;
}

/** Statistics of the projected image tokens of held-out pictures, Z = P1(x), one row a token. */
export interface EmbeddingStatistics {
  /** Rows of Z. */
  tokens: number;
  averageCosine: number;
  effectiveRank: number;
  effectiveRankCentred: number;
  participationRatio: number;
  /** Mean Euclidean norm of the rows of Z. */
  meanNorm: number;
  /** Mean Euclidean norm of the LLM's text embeddings. */
  textMeanNorm: number;
  /** L_cos on the held-out pictures; null where the arm has none. */
  cosineLoss: number | null;
}

/** The adapter that ran. */
export interface AdapterRecord {
  description: string;
  vendor: string;
  architecture: string;
  /** Where the driver came from, for example `system` or `lavapipe in the cache`. */
  driver: string;
  software: boolean;
}

/** One trained and tested model. */
export interface RunRecord {
  schemaVersion: number;
  study: string;
  /** `arm` is a compared variant; `question-only` is the control with one constant image. */
  role: "arm" | "question-only";
  arm: string;
  connector: string;
  objective: string;
  lambda: number;
  seed: number;
  fold: number;
  stage: string;
  steps: number;
  parameters: { total: number; trained: number };
  /** On the test split. */
  accuracy: Accuracy;
  losses: {
    /** Mean over the last tenth of the steps. */
    tokenLoss: number;
    cosineLoss: number | null;
    testTokenLoss: number;
    curve: CurvePoint[];
    validation: ValidationPoint[];
  };
  embedding: EmbeddingStatistics;
  /** Test answers in question order: the question's id, what was generated, whether it is right. */
  answers: { id: string; answer: string; correct: boolean }[];
  /** Over all trained weights, in name order. */
  weightsSha256: string;
  /** Resolved configuration of the run. */
  config: unknown;
  adapter: AdapterRecord;
  /** Form of the operands: `image` (storage textures) or `buffer`. */
  operandForm: string;
  seconds: { train: number; evaluate: number };
  versions: { plumbline: string; deno: string };
}

/** What names one run of a study. */
export interface RunKey {
  role: "arm" | "question-only";
  arm: string;
  lambda: number;
  seed: number;
  fold: number;
  stage: string;
}

/** What the records of one study share, and the majority control, which has no run. */
export interface StudyRecord {
  schemaVersion: number;
  study: string;
  title: string;
  question: string;
  data: {
    name: string;
    source: string;
    contentHash: string;
    images: Record<string, number>;
    questions: Record<string, number>;
  };
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
  majority: Accuracy;
  /** Every run that the study asks for; a report names those that have no record. */
  planned?: RunKey[];
}

/** `DIR/results.json`. */
export interface Results {
  schemaVersion: number;
  study: string;
  adapter: AdapterRecord;
  runs: Omit<RunRecord, "answers">[];
  controls: { questionOnly: Accuracy | null; majority: Accuracy };
}
