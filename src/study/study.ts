/** What a study is: data, encoder, arms, seeds and settings, as read from a JSON file. */
import { z } from "zod";
import { CONNECTORS } from "../connectors/connectors.ts";
import { DATASETS } from "../data/datasets.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import { closest } from "./closest.ts";

const count = z.number().int().min(1);
const share = z.number().min(0).max(1);

/** One of a table's names; anything else is refused with the nearest name. */
const nameOf = (what: string, table: Record<string, unknown>) =>
  z.string().refine((name) => Object.hasOwn(table, name), {
    error: (issue) => `unknown ${what} "${issue.input}"${closest(String(issue.input), Object.keys(table))}`,
  });

const modelSchema = z.strictObject({
  hiddenSize: count,
  intermediateSize: count,
  layers: count,
  heads: count,
  kvHeads: count,
  headDim: count,
  ropeTheta: z.number().positive(),
  rmsNormEps: z.number().positive(),
  tieWordEmbeddings: z.boolean(),
  projectorWidth: z.number().int().min(0),
});

const trainingSchema = z.strictObject({
  steps: count,
  batch: count,
  questions: count,
  context: count,
  learningRate: z.number().positive(),
  warmup: share,
  beta1: share,
  beta2: share,
  eps: z.number().positive(),
  weightDecay: z.number().min(0),
  clip: z.number().min(0),
});

/** Stages that an arm may go through. */
export const STAGES = ["all"] as const;

const armSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "must be lower-case words joined by hyphens"),
  connector: nameOf("connector", CONNECTORS),
  objective: nameOf("objective", OBJECTIVES),
  lambda: z.array(z.number().min(0)).min(1),
  stages: z.array(z.enum(STAGES)).length(1),
});

/** The layout of a study file. */
export const studySchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "must be lower-case words joined by hyphens"),
  title: z.string().min(1),
  question: z.string().min(1),
  data: z.strictObject({
    name: nameOf("data set", DATASETS),
    seed: z.number().int(),
    trainImages: count.optional(),
    validationImages: count.optional(),
    testImages: count.optional(),
    language: z.string().optional(),
  }),
  encoder: z.strictObject({
    name: z.string().min(1),
    imageSize: count.optional(),
    patch: count.optional(),
    width: count.optional(),
    pool: count.optional(),
  }),
  arms: z.array(armSchema).min(1),
  seeds: count,
  controls: z.array(z.enum(["question-only", "majority"])),
  model: modelSchema,
  training: trainingSchema,
  evaluation: z.strictObject({
    validations: z.number().int().min(0),
    validationImages: z.number().int().min(0),
    embeddingImages: count,
  }),
}).superRefine((study, context) => {
  const names = study.arms.map(({ name }) => name);
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index) {
      context.addIssue({ code: "custom", path: ["arms", index, "name"], message: `arm "${name}" is there twice` });
    }
  });
  const { heads, kvHeads } = study.model;
  if (heads % kvHeads !== 0) {
    context.addIssue({ code: "custom", path: ["model", "kvHeads"], message: `${kvHeads} does not divide ${heads} heads` });
  }
});

/** A study. */
export type Study = z.infer<typeof studySchema>;

/** An arm of a study: what is compared, as data. */
export type Arm = Study["arms"][number];

/**
 * Checks what was read from a study file.
 *
 * @param file Named in errors.
 * @throws {TypeError} If a field is wrong; the message gives its path.
 */
export function parseStudy(value: unknown, file: string): Study {
  const result = studySchema.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  const where = path.length > 0 ? `"${path.join(".")}" ` : "";
  throw new TypeError(`Cannot read study ${file}: ${where}${message.charAt(0).toLowerCase()}${message.slice(1)}`);
}
