/**
 * Made-up records for tests: small, fixed, with round numbers. Nothing here was measured.
 */
import {
  type Accuracy,
  type EmbeddingGeometry,
  type MatrixGeometry,
  type RunFailure,
  type RunRecord,
  SCHEMA_VERSION,
  type StudyRecord,
} from "./record.ts";

/** What a test wants to be different from the example. */
export type RunOverrides = Partial<Omit<RunRecord, "accuracy">> & {
  color?: number;
  yesNo?: number;
};

/** A study of three arms. */
export function exampleStudy(overrides: Partial<StudyRecord> = {}): StudyRecord {
  return {
    schemaVersion: SCHEMA_VERSION,
    study: "example",
    title: "Does the example help?",
    question: "Does a regularised projector answer more questions?",
    data: {
      name: "easy-shapes",
      source: "the easy-VQA recipe",
      contentHash: "d".repeat(64),
      images: { train: 1000, validation: 50, test: 60 },
      questions: { train: 5000, validation: 250, test: 300 },
    },
    encoder: {
      name: "patches",
      description: "fixed orthonormal projection of raw patches",
      contentHash: "e".repeat(64),
      tokens: 16,
      width: 64,
    },
    model: "Llama decoder, 2 layers, trained together with P1",
    config: { steps: 40 },
    command: "deno task ablate example",
    majority: exampleAccuracy(0.25, 0.5),
    ...overrides,
  };
}

/** 100 questions about colours and 200 answered yes or no. */
export function exampleAccuracy(color: number, yesNo: number): Accuracy {
  return {
    overall: (100 * color + 200 * yesNo) / 300,
    byType: { color: { accuracy: color, n: 100 }, "yes/no": { accuracy: yesNo, n: 200 } },
  };
}

/** One run; the baseline with seed 1 unless told otherwise. */
export function exampleRun(
  { color = 0.9, yesNo = 0.8, ...overrides }: RunOverrides = {},
): RunRecord {
  const { arm = "baseline", seed = 1, lambda = 0 } = overrides;
  const hasCosine = lambda !== 0;
  return {
    schemaVersion: SCHEMA_VERSION,
    study: "example",
    role: "arm",
    arm,
    connector: "mlp",
    objective: hasCosine ? arm : "none",
    lambda,
    seed,
    fold: 0,
    stage: "joint",
    steps: 40,
    parameters: { total: hasCosine ? 1200000 : 1000000, trained: hasCosine ? 1200000 : 1000000 },
    accuracy: exampleAccuracy(color, yesNo),
    losses: {
      tokenLoss: 0.25,
      cosineLoss: hasCosine ? 0.125 : null,
      testTokenLoss: 0.3,
      curve: [10, 20, 30, 40].map((step) => ({
        step,
        tokenLoss: 10 / step + 0.01 * seed,
        cosineLoss: hasCosine ? 5 / step : null,
      })),
      validation: [{ step: 20, accuracy: 0.5 }, { step: 40, accuracy: 0.75 }],
    },
    embedding: {
      tokens: 960,
      averageCosine: 0.5,
      effectiveRank: 20,
      effectiveRankCentred: 22,
      participationRatio: 8,
      meanNorm: 1.5,
      textMeanNorm: 1,
      cosineLoss: hasCosine ? 0.1 : null,
    },
    answers: [{ id: "q1", answer: "red", correct: true }],
    weightsSha256: `${seed}`.repeat(64),
    config: { steps: 40 },
    adapter: {
      description: "Example Adapter",
      vendor: "example",
      architecture: "one",
      driver: "system",
      software: true,
    },
    operandForm: "image",
    seconds: { train: 60, evaluate: 5 },
    versions: { plumbline: "0.1.0", deno: "2.9.6" },
    ...overrides,
  };
}

/** The three arms and the question-only control at each seed, with differences that vary by seed. */
export function exampleRuns(seeds: readonly number[]): RunRecord[] {
  return seeds.flatMap((seed) => {
    const color = 0.9 + 0.01 * (seed % 2);
    return [
      exampleRun({ seed, color }),
      exampleRun({
        seed,
        arm: "cosine-constraint",
        lambda: 1,
        color: color + 0.03 + 0.003 * (seed % 3),
      }),
      exampleRun({
        seed,
        arm: "self-distillation",
        lambda: 1,
        color: color + (seed % 2 ? 0.03 : -0.03),
      }),
      exampleRun({ seed, arm: "question-only", role: "question-only", color: 0.3, yesNo: 0.5 }),
    ];
  });
}

/** A run that diverged. */
export function exampleFailure(overrides: Partial<RunFailure> = {}): RunFailure {
  return {
    schemaVersion: SCHEMA_VERSION,
    id: "f".repeat(64),
    role: "arm",
    arm: "vicreg",
    lambda: 1,
    seed: 2,
    fold: 0,
    stage: "projector",
    reason: "diverged",
    step: 1040,
    ...overrides,
  };
}

/** Shapes of embeddings: a text cluster on the left, image tokens on the right, nearly all alike. */
export function exampleGeometry(averageCosine = 0.5): EmbeddingGeometry {
  const matrix = (rows: number, width: number, averageCosine: number): MatrixGeometry => ({
    rows,
    width,
    effectiveRank: 20,
    effectiveRankCentred: 22,
    rankMe: 20.5,
    participationRatio: 8,
    averageCosine,
    uniformity: -2,
    collapseGauge: 0.75,
    collapseGaugePopulation: 0.74,
    isoScore: 0.25,
  });
  const bins = (from: number) =>
    Array.from({ length: 40 }, (_, i) => i < from ? 0 : 1 / (40 - from));
  return {
    X: matrix(960, 64, 0.25),
    Z: matrix(960, 128, averageCosine),
    T: matrix(30, 128, 0.125),
    pairs: {
      linearCka: 0.875,
      neighbourOverlap5: 0.5,
      neighbourOverlap10: 0.625,
      ridgeR2: { uniform: 0.75, varianceWeighted: 0.8 },
      modalityGap: 1.25,
      normRatio: 16,
    },
    ridge: { lambda: 1, trainRows: 720 },
    sampled: { X: 512, T: null },
    cosines: { X: bins(20), Z: bins(30) },
    spectrum: { X: [[1, 1], [33, 0.5], [64, 0.25]], Z: [[1, 1], [65, 0.125], [128, 1e-9]] },
    map: {
      image: [[0.5, 0], [0.5, 0.125], [0.625, -0.125]],
      text: [[-0.5, 0.25], [-0.5, -0.25]],
      explained: [0.75, 0.125],
    },
  };
}
