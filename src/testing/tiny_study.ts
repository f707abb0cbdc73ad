/** A study as small as a study can be, for tests of what happens around training. */
import { parseStudy, type Study } from "../study/study.ts";

/** Five conditions, two of them at lambda 0, on a dozen pictures; a run takes four steps. */
export function tinyStudy(overrides: Partial<Study> = {}): Study {
  const study = {
    name: "tiny",
    title: "Three arms on a dozen pictures",
    question: "Does the command get from pictures to a report?",
    data: { name: "easy-shapes", seed: 0, trainImages: 12, validationImages: 4, testImages: 6 },
    encoder: { name: "patches", imageSize: 64, patch: 32, width: 32 },
    arms: [
      arm("baseline", "none", [0]),
      arm("cosine-constraint", "cosine-constraint", [0, 1]),
      arm("self-distillation", "self-distillation", [0, 1]),
    ],
    seeds: 2,
    controls: ["question-only", "majority"],
    llm: {
      name: "random",
      shape: {
        hiddenSize: 16,
        intermediateSize: 32,
        layers: 1,
        heads: 2,
        kvHeads: 1,
        headDim: 8,
        ropeTheta: 10000,
        rmsNormEps: 1e-5,
        tieWordEmbeddings: true,
      },
    },
    projector: { width: 0 },
    training: {
      steps: 4,
      batch: 2,
      questions: 3,
      context: 32,
      learningRate: 4e-3,
      warmup: 0.25,
      beta1: 0.9,
      beta2: 0.98,
      eps: 1e-8,
      weightDecay: 0.01,
      clip: 1,
    },
    evaluation: { validations: 1, validationImages: 2, embeddingImages: 4 },
    ...overrides,
  };
  return parseStudy(study, "of the tests");
}

const arm = (name: string, objective: string, lambda: number[]) => ({
  name,
  connector: "mlp",
  objective,
  lambda,
  stages: ["all"],
});
