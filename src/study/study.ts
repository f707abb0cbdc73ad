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
    error: (issue) =>
      `unknown ${what} "${issue.input}"${closest(String(issue.input), Object.keys(table))}`,
  });

/** An object with these fields and no other; an unknown one is refused with the nearest name. */
const fields = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return undefined;
      const [key] = issue.keys as string[];
      return `unknown field "${key}"${closest(key, Object.keys(shape))}`;
    },
  });

const modelSchema = fields({
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

const trainingSchema = fields({
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

const words = z.string().regex(
  /^[a-z0-9][a-z0-9-]*$/,
  "must be lower-case words joined by hyphens",
);

/** The control's name, which its records bear. */
export const QUESTION_ONLY = "question-only";

const armSchema = fields({
  name: words.refine(
    (name) => name !== QUESTION_ONLY,
    `"${QUESTION_ONLY}" is the name of a control`,
  ),
  connector: nameOf("connector", CONNECTORS),
  objective: nameOf("objective", OBJECTIVES),
  lambda: z.array(z.number().min(0)).min(1),
  stages: z.array(z.enum(STAGES)).length(1),
}).superRefine(({ objective, lambda }, context) => {
  const refuse = (message: string) =>
    context.addIssue({ code: "custom", path: ["lambda"], message });
  const twice = lambda.find((value, index) => lambda.indexOf(value) !== index);
  if (twice !== undefined) refuse(`${twice} is there twice`);
  if (objective === "none" && lambda.some((value) => value !== 0)) {
    refuse("must be [0] where there is no objective to weigh");
  }
});

/** The layout of a study file. */
export const studySchema = fields({
  name: words,
  title: z.string().min(1),
  question: z.string().min(1),
  data: fields({
    name: nameOf("data set", DATASETS),
    seed: z.number().int(),
    trainImages: count.optional(),
    validationImages: count.optional(),
    testImages: count.optional(),
    language: z.string().optional(),
  }),
  encoder: fields({
    name: z.string().min(1),
    imageSize: count.optional(),
    patch: count.optional(),
    width: count.optional(),
    centre: z.boolean().optional(),
    pool: count.optional(),
  }),
  arms: z.array(armSchema).min(1),
  seeds: count,
  controls: z.array(z.enum([QUESTION_ONLY, "majority"])),
  model: modelSchema,
  training: trainingSchema,
  evaluation: fields({
    validations: z.number().int().min(0),
    validationImages: z.number().int().min(0),
    embeddingImages: count,
  }),
}).superRefine((study, context) => {
  const names = study.arms.map(({ name }) => name);
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index) {
      context.addIssue({
        code: "custom",
        path: ["arms", index, "name"],
        message: `arm "${name}" is there twice`,
      });
    }
  });
  const { heads, kvHeads, headDim } = study.model;
  const refuseModel = (field: string, message: string) =>
    context.addIssue({ code: "custom", path: ["model", field], message });
  if (heads % kvHeads !== 0) refuseModel("kvHeads", `${kvHeads} does not divide ${heads} heads`);
  if (headDim % 2 !== 0) {
    refuseModel("headDim", `${headDim} is odd, and rotary embedding needs pairs`);
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
  const result = studySchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const [{ code, input, path, message }] = result.error.issues;
  const field = path.join(".");
  const what = code === "invalid_type" && input === undefined && field
    ? `field "${field}" is missing`
    : `${field && `"${field}": `}${message.replace(/^Invalid input: /, "")}`;
  throw new TypeError(`Cannot read study ${file}: ${what}`);
}
