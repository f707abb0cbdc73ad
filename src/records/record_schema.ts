/**
 * Checks records that come from disk, field by field.
 */
import { z } from "zod";
import { RUN_ROLES, type RunRecord, SCHEMA_VERSION, type StudyRecord } from "./record.ts";

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
/** JSON has no NaN: a measurement that was not finite stands as null. */
const measured = z.number().nullable().transform((value) => value ?? NaN);
const role = z.enum(RUN_ROLES);

const accuracy = z.object({
  overall: share,
  byType: z.record(z.string(), z.object({ accuracy: share, n: count })),
});

/** Figures are called by it, so it leads to no other folder. */
const fileName = z.string().regex(/^[^/\\]*$/, "must have no / or \\");

/** What tells a run of a study from the others. */
export const runKey = {
  role,
  arm: fileName,
  lambda: z.number(),
  seed: z.int(),
  fold: count,
  round: count.optional(),
  stage: fileName,
};

const matrixGeometry = z.looseObject({
  rows: count,
  width: count,
  effectiveRank: measured,
  effectiveRankCentred: measured,
  rankMe: measured,
  participationRatio: measured,
  averageCosine: measured,
  uniformity: measured,
  collapseGauge: measured,
  collapseGaugePopulation: measured,
  isoScore: measured,
});

// Hundreds of numbers a record: checked at once, for a folder may have very many records.
const isMeasured = (value: unknown) => typeof value === "number" || value === null;
const orNaN = (value: number | null) => value ?? NaN;
const shares = z.custom<(number | null)[]>(
  (value) => Array.isArray(value) && value.every(isMeasured),
  "expected a list of numbers",
).transform((list) => list.map(orNaN));
const points = z.custom<[number | null, number | null][]>(
  (value) =>
    Array.isArray(value) &&
    value.every((point) => Array.isArray(point) && point.length === 2 && point.every(isMeasured)),
  "expected a list of pairs of numbers",
).transform((list) => list.map(([x, y]): [number, number] => [orNaN(x), orNaN(y)]));

const geometry = z.looseObject({
  X: matrixGeometry,
  Z: matrixGeometry,
  T: matrixGeometry,
  pairs: z.looseObject({
    linearCka: measured,
    neighbourOverlap5: z.number().nullable(),
    neighbourOverlap10: z.number().nullable(),
    ridgeR2: z.looseObject({ uniform: measured, varianceWeighted: measured }),
    modalityGap: measured.optional(),
    normRatio: measured.optional(),
    meanCosine: measured.optional(),
    alignment: measured.optional(),
  }),
  ridge: z.looseObject({ lambda: z.number(), trainRows: count }),
  sampled: z.looseObject({ X: count.nullable(), T: count.nullable() }),
  cosines: z.looseObject({ X: shares, Z: shares }),
  spectrum: z.looseObject({ X: points, Z: points }),
  map: z.looseObject({
    image: points,
    text: points,
    explained: z.tuple([measured, measured]),
  }),
});

/** A run record; unknown fields pass through, so that newer records can be read. */
export const runRecordSchema: z.ZodType<RunRecord> = z.looseObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  study: z.string(),
  ...runKey,
  connector: z.string(),
  objective: z.string(),
  steps: count,
  parameters: z.object({ total: count, trained: count }),
  accuracy,
  overlap: z.object({ exactMatch: share, tokenF1: share, bleu1: share }).optional(),
  losses: z.object({
    tokenLoss: measured,
    cosineLoss: z.number().nullable(),
    testTokenLoss: measured,
    curve: z.array(
      z.object({
        step: count,
        tokenLoss: measured,
        cosineLoss: z.number().nullable(),
      }),
    ),
    validation: z.array(z.object({ step: count, accuracy: share })),
    diagnostics: z.array(z.object({
      step: count,
      tokenGradientNorm: measured,
      cosineGradientNorm: z.number().nullable(),
      meanNorm: measured,
      averageCosine: measured,
      p2Distance: z.number().nullable(),
    })).optional(),
  }),
  embedding: z.looseObject({
    tokens: count,
    averageCosine: measured,
    effectiveRank: measured,
    effectiveRankCentred: measured,
    participationRatio: measured,
    meanNorm: measured,
    textMeanNorm: measured,
    cosineLoss: z.number().nullable(),
    freshP2Cosine: measured.optional(),
  }),
  geometry: geometry.optional(),
  answers: z.array(
    z.object({
      id: z.string(),
      image: z.string().optional(),
      answer: z.string(),
      correct: z.boolean(),
      score: share.optional(),
    }),
  ),
  id: z.string().optional(),
  engine: count.optional(),
  weightsSha256: z.string(),
  config: z.unknown(),
  adapter: z.looseObject({
    description: z.string(),
    vendor: z.string(),
    architecture: z.string(),
    driver: z.string(),
    software: z.boolean(),
  }),
  operandForm: z.string(),
  seconds: z.object({ train: z.number(), evaluate: z.number() }),
  versions: z.looseObject({ plumbline: z.string(), deno: z.string() }),
});

/** A study record; unknown fields pass through. */
export const studyRecordSchema: z.ZodType<StudyRecord> = z.looseObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  study: z.string(),
  title: z.string(),
  question: z.string(),
  data: z.looseObject({
    name: z.string(),
    source: z.string(),
    contentHash: z.string(),
    images: z.record(z.string(), count),
    questions: z.record(z.string(), count),
  }),
  encoder: z.looseObject({
    name: z.string(),
    description: z.string(),
    contentHash: z.string(),
    tokens: count,
    width: count,
  }),
  model: z.string(),
  config: z.unknown(),
  command: z.string(),
  folds: z.object({ count, by: z.enum(["image", "question"]) }).optional(),
  majority: accuracy,
  planned: z.array(z.object(runKey)).optional(),
});
