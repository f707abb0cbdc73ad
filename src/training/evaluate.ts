/** What a model is tested by: its answers, and the statistics of its projections. */
import { createHash } from "node:crypto";
import { encodedTokens, packBatch } from "../data/packing.ts";
import { meanOverlap } from "../evaluation/answer_overlap.ts";
import { type EmbeddingMatrix, pickRows } from "../evaluation/embedding_matrix.ts";
import { embeddingStatistics } from "../evaluation/embedding_statistics.ts";
import { recordGeometry } from "../evaluation/geometry_record.ts";
import { isCorrect, recordedScore, scoreAnswer, scoreAnswers } from "../evaluation/vqa_accuracy.ts";
import {
  countParameters,
  type ModelWeights,
  type MultimodalModel,
  readTextEmbeddings,
  readWeights,
  writeBatch,
} from "../models/multimodal.ts";
import type { Asked, Questioner } from "../models/questioner.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import type { RunRecord } from "../records/record.ts";
import { batchFeatures, evaluationBatches } from "./batches.ts";
import { freshP2Cosine } from "./fresh_p2.ts";
import { type PreparedData, type PreparedSplit, SPLITS } from "./prepared_data.ts";
import type { RunSettings, StageSettings } from "./settings.ts";

/**
 * Answers to the test questions and statistics of the test pictures' projections.
 *
 * @param first What the model began with: what is frozen in it is that still.
 */
export async function testModel(
  model: MultimodalModel,
  questioner: Questioner,
  settings: RunSettings,
  { training }: StageSettings,
  data: PreparedData,
  first: Partial<ModelWeights>,
) {
  const { answers, tokenLoss: testTokenLoss } = await answer(
    model,
    questioner,
    data.test,
    data,
    training.questions,
  );
  const projected = await projectImages(
    model,
    questioner,
    data.test,
    settings.evaluation.embeddingImages,
  );
  const questions = data.test.questions.flat();
  const weights = { ...first, ...await readWeights(model) };
  const { rows, columns: cols, data: embeddings } = await readTextEmbeddings(model);
  const text = { rows, cols, data: embeddings };
  return {
    parameters: countParameters(model),
    accuracy: scoreAnswers(
      questions.map(({ truth, answers, type }) => ({ answer: truth, answers, type })),
      answers.map(({ answer }) => answer),
    ),
    overlap: meanOverlap(
      questions.map(({ truth }, i) => ({ generated: answers[i].answer, truth })),
    ),
    answers,
    testTokenLoss,
    embedding: {
      ...embeddingStatistics(projected.matrix, text, projected.cosineLoss),
      freshP2Cosine: await freshP2Cosine(model.engine, projected.matrix, settings.seed),
    },
    geometry: recordGeometry(
      firstTokens(data, projected.matrix.rows),
      projected.matrix,
      pickRows(text, usedTokens(data)),
    ),
    weights,
    weightsSha256: hashWeights(weights),
  };
}

/** Accuracy on the validation questions, from 0 to 1; null where none are asked. */
export async function validationAccuracy(
  model: MultimodalModel,
  questioner: Questioner,
  data: PreparedData,
  { evaluation }: RunSettings,
  { training }: StageSettings,
): Promise<number | null> {
  const images = Math.min(evaluation.validationImages, data.validation.questions.length);
  if (images === 0) return null;
  const { answers } = await answer(
    model,
    questioner,
    data.validation,
    data,
    training.questions,
    images,
  );
  const scores = answers.map(recordedScore);
  return scores.reduce((a, b) => a + b, 0) / scores.length;
}

/** Answers to every question of a split's first images, and the mean loss of the true answers' tokens. */
async function answer(
  model: MultimodalModel,
  questioner: Questioner,
  split: PreparedSplit,
  { tokenizer, longestAnswer }: PreparedData,
  questions: number,
  images?: number,
): Promise<{ answers: RunRecord["answers"]; tokenLoss: number }> {
  const { batch, blocks } = model.config.layout;
  const answers: RunRecord["answers"] = [];
  let lossSum = 0, count = 0;
  const collect = async (
    places: [number, number][][],
    answerTokens: number,
    asked: Promise<Asked>,
  ) => {
    const { tokens, tokenLoss } = await asked;
    lossSum += answerTokens * tokenLoss;
    count += answerTokens;
    places.forEach((list, b) =>
      list.forEach(([image, q], i) => {
        const { id, image: picture, truth, answers: people } = split.questions[image][q];
        const text = tokenizer.decode(
          untilEnd(tokens.map((step) => step[b * blocks + i]), tokenizer.eos),
        );
        answers.push({
          id,
          image: picture,
          answer: text,
          correct: isCorrect(text, truth),
          ...(people && { score: scoreAnswer(text, { answer: truth, answers: people }) }),
        });
      })
    );
  };
  // One batch is always on its way, so that the device works while answers are read back.
  let before = Promise.resolve();
  for (const { entries, places } of evaluationBatches(split, batch, questions, images)) {
    const packed = packBatch(entries, model.config.layout);
    writeBatch(model, batchFeatures(split, entries, batch), packed);
    const asked = questioner.ask(packed, longestAnswer);
    // A lost device fails the batch before as well, which ends the loop: nobody awaits this one then.
    asked.catch(() => {});
    await before;
    before = collect(places, packed.answerTokens, asked);
  }
  await before;
  return { answers, tokenLoss: lossSum / Math.max(1, count) };
}

function untilEnd(tokens: number[], end: number): number[] {
  const at = tokens.indexOf(end);
  return at < 0 ? tokens : tokens.slice(0, at);
}

/** z = P1(x) of the first images of a split, and the mean of the arm's own L_cos on them. */
async function projectImages(
  model: MultimodalModel,
  questioner: Questioner,
  split: PreparedSplit,
  images: number,
) {
  const { layout, decoder, objective } = model.config;
  const count = Math.min(images, split.questions.length);
  const width = decoder.hidden_size;
  const tokens = encodedTokens(layout);
  const z = new Float32Array(count * tokens * width);
  const cosines: number[] = [];
  for (let first = 0; first < count; first += layout.batch) {
    const size = Math.min(layout.batch, count - first);
    const entries = Array.from({ length: size }, (_, i) => ({ image: first + i, questions: [] }));
    writeBatch(model, batchFeatures(split, entries, layout.batch), packBatch(entries, layout));
    const projected = await questioner.project();
    const rows = size * tokens;
    z.set(projected.z.subarray(0, rows * width), first * tokens * width);
    // What runs over all tokens of a batch says nothing about one that is not full.
    const isWhole = size === layout.batch;
    const own = objective.rows === "tokens"
      ? projected.cosineLoss?.subarray(0, rows)
      : isWhole
      ? projected.cosineLoss
      : undefined;
    if (own) cosines.push(...own);
  }
  return {
    matrix: { rows: count * tokens, cols: width, data: z },
    cosineLoss: cosines.length > 0 ? cosines.reduce((a, b) => a + b, 0) / cosines.length : null,
  };
}

/** x of a test split's first tokens: what {@linkcode projectImages} starts from. */
function firstTokens({ test, width }: PreparedData, rows: number): EmbeddingMatrix {
  return { rows, cols: width, data: test.features.subarray(0, rows * width) };
}

/** Ids of the tokens that questions and answers of any split use, ascending. */
function usedTokens(data: PreparedData): number[] {
  const used = new Set<number>();
  for (const split of SPLITS) {
    for (const { prompt, answer } of data[split].questions.flat()) {
      for (const token of [...prompt, ...answer]) used.add(token);
    }
  }
  return [...used].sort((a, b) => a - b);
}

/** SHA-256 over names and bytes of what answers and was trained, in name order. P2 takes no part. */
function hashWeights({ connector, decoder = new Map(), lora = new Map() }: ModelWeights): string {
  const hash = createHash("sha256");
  const weights: [string, MatrixValues][] = [...connector, ...decoder, ...lora];
  for (const [name, { data }] of weights.sort(([a], [b]) => a < b ? -1 : 1)) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
