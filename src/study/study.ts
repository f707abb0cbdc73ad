/** What a study is: data, encoder, arms, seeds and settings, as read from a JSON file. */
import { z } from "zod";
import { CONNECTORS } from "../connectors/connectors.ts";
import { datasetEntry, DATASETS } from "../data/datasets.ts";
import { oneLine } from "../data/one_line.ts";
import { DIRECTIONS } from "../evaluation/claims.ts";
import { MODULES } from "../models/multimodal.ts";
import { DEFAULT_LORA, LORA_TARGETS } from "../nn/lora.ts";
import { LAMBDA_SCHEDULES, SCHEDULES } from "../nn/schedule.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import { BASELINE, RUN_ROLES } from "../records/record.ts";
import { CLAIM_STATISTICS } from "../report/claim_statistics.ts";
import { FOLD_UNITS } from "../training/folds.ts";
import { closest } from "./closest.ts";

/** No number of pictures, steps or units of a model comes near. */
const MOST = 2 ** 24;
const count = z.number().int().min(1).max(MOST);
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

const shapeSchema = fields({
  hiddenSize: count,
  intermediateSize: count,
  layers: count.max(2 ** 12),
  heads: count,
  kvHeads: count,
  headDim: count,
  ropeTheta: z.number().positive(),
  rmsNormEps: z.number().positive(),
  tieWordEmbeddings: z.boolean(),
});

/** A decoder from random weights has a shape; any other brings its own. */
const llmSchema = fields({
  name: z.string().min(1),
  shape: shapeSchema.optional(),
  prompt: fields({
    lead: z.string(),
    question: z.string().includes("{question}", { error: "must contain {question}" }),
  }).optional(),
}).superRefine(({ name, shape }, context) => {
  const refuse = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path: ["shape", ...path], message });
  if (name !== "random") {
    if (shape) refuse([], `is for a decoder from random weights; "${name}" has its own`);
    return;
  }
  if (!shape) return refuse([], "is missing, and a decoder from random weights needs one");
  const { heads, kvHeads, headDim } = shape;
  if (heads % kvHeads !== 0) refuse(["kvHeads"], `${kvHeads} does not divide ${heads} heads`);
  if (headDim % 2 !== 0) {
    refuse(["headDim"], `${headDim} is odd, and rotary embedding needs pairs`);
  }
});

const trainingFields = {
  steps: count,
  epochs: z.number().positive().optional(),
  batch: count,
  questions: count,
  context: count,
  learningRate: z.number().positive(),
  schedule: z.enum(Object.keys(SCHEDULES) as (keyof typeof SCHEDULES)[]).default("cosine"),
  warmup: share,
  beta1: share,
  beta2: share,
  eps: z.number().positive(),
  weightDecay: z.number().min(0),
  clip: z.number().min(0),
};

/** Without a default, which would outweigh the study's; questions are as long for all stages. */
const { context: _, ...stageTrainingFields } = {
  ...trainingFields,
  schedule: trainingFields.schedule.unwrap(),
};

const modules = z.array(z.enum(MODULES));

/** A stage: what it trains, what it draws anew, and where its training differs from the study's. */
const stageSchema = fields({
  name: z.string().regex(/^[a-z0-9][a-z0-9+-]*$/, "must be lower-case words joined by - or +"),
  train: modules.min(1),
  // A decoder is as it was loaded or trained: to draw it is the control random-llm.
  draw: modules.refine((list) => !list.includes("decoder"), {
    error: "a decoder is not drawn between stages; random-llm is the control for it",
  }).default([]),
  training: fields(stageTrainingFields).partial().default({}),
});

/** Stages that every study has without naming them; a study's own of the same name replaces one. */
export const STAGES: readonly z.infer<typeof stageSchema>[] = [
  { name: "projector", train: ["P1", "P2"], draw: [], training: {} },
  { name: "projector+lora", train: ["P1", "P2", "lora"], draw: [], training: {} },
  { name: "all", train: ["P1", "P2", "decoder"], draw: [], training: {} },
];

/** A stage of an arm: its name, and what differs in this arm alone. */
const armStageSchema = z.union([
  z.string(),
  fields({
    name: z.string(),
    train: stageSchema.shape.train.optional(),
    draw: stageSchema.shape.draw.unwrap().optional(),
  }),
], { error: "must be a stage's name, or {name, train, draw} with what differs in this arm" });

const words = z.string().regex(
  /^[a-z0-9][a-z0-9-]*$/,
  "must be lower-case words joined by hyphens",
);

/** Controls that are runs of their own, by the names that their records bear. */
export const RUN_CONTROLS = RUN_ROLES.filter((role) => role !== "arm");

const armSchema = fields({
  name: words.refine(
    (name) => !(RUN_CONTROLS as readonly string[]).includes(name),
    { error: (issue) => `"${issue.input}" is the name of a control` },
  ),
  connector: nameOf("connector", CONNECTORS),
  objective: nameOf("objective", OBJECTIVES),
  options: z.record(z.string(), z.unknown()).default({}),
  lambda: z.array(z.number().min(0)).min(1),
  lambdaSchedule: z.enum(Object.keys(LAMBDA_SCHEDULES) as (keyof typeof LAMBDA_SCHEDULES)[])
    .default("constant"),
  /** Repeated self-distillation: so many rounds behind the first, with this weight of the teacher. */
  rounds: fields({ count, xi: z.number().min(0).max(1) }).optional(),
  stages: z.array(armStageSchema).min(1),
}).superRefine(({ objective, options, lambda }, context) => {
  const refuse = (message: string) =>
    context.addIssue({ code: "custom", path: ["lambda"], message });
  // Of an unknown objective that alone is said.
  const objectives = Object.hasOwn(OBJECTIVES, objective) ? [OBJECTIVES[objective]] : [];
  const found = objectives.map((known) => known.options.safeParse(options, { reportInput: true }));
  for (const { path, message } of found.flatMap(({ error }) => error?.issues ?? [])) {
    context.addIssue({ code: "custom", path: ["options", ...path], message });
  }
  const twice = lambda.find((value, index) => lambda.indexOf(value) !== index);
  if (twice !== undefined) refuse(`${twice} is there twice`);
  if (objective === "none" && lambda.some((value) => value !== 0)) {
    refuse("must be [0] where there is no objective to weigh");
  }
}).transform((arm) => ({
  ...arm,
  // With the defaults of what it leaves out.
  options: OBJECTIVES[arm.objective].options.parse(arm.options) as Record<string, unknown>,
}));

/** What is compared and claimed, fixed before anything runs. It changes no run. */
const analysisSchema = fields({
  /** Over the seeds' differences to the baseline. */
  primary: z.literal("paired-t"),
  /** Arms whose comparisons are corrected together. */
  family: z.array(z.string()).min(1),
  claims: z.array(fields({
    claim: z.string().min(1),
    arm: z.string(),
    statistic: z.enum(CLAIM_STATISTICS),
    direction: z.enum(DIRECTIONS),
    /** Difference to the baseline that matters, in the statistic's own unit; accuracy in points. */
    margin: z.number().min(0),
  })).default([]),
});

/** The fields of a study file, each by itself. */
const layout = fields({
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
    heldOutModality: z.string().optional(),
  }),
  folds: fields({ count: count.min(2), by: z.enum(FOLD_UNITS), seed: z.number().int() }).optional(),
  encoder: fields({
    name: z.string().min(1),
    imageSize: count.max(2 ** 13).optional(),
    patch: count.max(2 ** 13).optional(),
    width: count.optional(),
    centre: z.boolean().optional(),
    pool: count.optional(),
    layer: z.number().int().optional(),
  }),
  llm: llmSchema,
  projector: fields({ width: z.number().int().min(0).max(MOST) }),
  lora: fields({
    rank: count,
    alpha: z.number().positive(),
    dropout: z.number().min(0).lt(1),
    targets: z.array(z.enum(LORA_TARGETS)).min(1),
  }).default({ ...DEFAULT_LORA, targets: [...DEFAULT_LORA.targets] }),
  stages: z.array(stageSchema).default([]),
  arms: z.array(armSchema).min(1),
  // A grid that is too large is refused with its number of runs.
  seeds: z.number().int().min(1),
  controls: z.array(z.enum([...RUN_CONTROLS, "majority"])),
  training: fields(trainingFields),
  evaluation: fields({
    validations: z.number().int().min(0),
    validationImages: z.number().int().min(0),
    embeddingImages: count,
  }),
  analysis: analysisSchema.optional(),
});

type Layout = z.infer<typeof layout>;

/** What is wrong with fields that are right by themselves. */
interface Misfit {
  path: (string | number)[];
  message: string;
}

const CHECKS: ((study: Layout) => Misfit[])[] = [
  ({ data: { name, heldOutModality } }) =>
    heldOutModality === undefined || datasetEntry(name)?.hasModalities
      ? []
      : [{ path: ["data", "heldOutModality"], message: `${name} has no modalities` }],

  ({ data: { heldOutModality }, folds }) =>
    heldOutModality === undefined || folds === undefined ? [] : [{
      path: ["folds"],
      message: "the test split, where a held-out modality stands, takes no part in folds",
    }],

  ({ arms }) => {
    const names = arms.map(({ name }) => name);
    return names.flatMap((name, index) =>
      names.indexOf(name) === index
        ? []
        : [{ path: ["arms", index, "name"], message: `arm "${name}" is there twice` }]
    );
  },

  ({ arms, analysis }) => {
    const names = arms.map(({ name }) => name);
    const compared: [arm: string, path: Misfit["path"]][] = [
      ...(analysis?.family ?? []).map((arm, i): [string, Misfit["path"]] => [arm, ["family", i]]),
      ...(analysis?.claims ?? []).map(({ arm }, i): [string, Misfit["path"]] => [
        arm,
        ["claims", i, "arm"],
      ]),
    ];
    return compared.filter(([arm]) => !names.includes(arm)).map(([arm, path]) => ({
      path: ["analysis", ...path],
      message: `unknown arm "${arm}"${closest(arm, names)}`,
    }));
  },

  ({ llm, controls }) =>
    llm.name === "random" && controls.includes("random-llm")
      ? [{
        path: ["controls", controls.indexOf("random-llm")],
        message: "random-llm is no control where every decoder begins from random weights",
      }]
      : [],

  (study) => {
    const known = [...STAGES, ...study.stages].map(({ name }) => name);
    const baseline = study.arms.find(({ name }) => name === BASELINE)?.stages.map(stageName);
    return study.arms.flatMap((arm, index) => {
      const named = arm.stages.map(stageName);
      return named.flatMap((name, place) => {
        const message = !known.includes(name)
          ? `unknown stage "${name}"${closest(name, known)}`
          : named.indexOf(name) !== place
          ? `stage "${name}" is there twice`
          : place === named.length - 1 && baseline && !baseline.includes(name)
          ? `arm "${arm.name}" ends with stage "${name}", which arm "${BASELINE}" lacks: nothing would be compared with it`
          : null;
        return message === null ? [] : [{ path: ["arms", index, "stages", place], message }];
      });
    });
  },
];

/** The layout of a study file. */
export const studySchema = layout.superRefine((study, context) => {
  for (const { path, message } of CHECKS.flatMap((check) => check(study))) {
    context.addIssue({ code: "custom", path, message });
  }
});

/** Name of a stage as an arm names it. */
export function stageName(stage: z.infer<typeof armStageSchema>): string {
  return typeof stage === "string" ? stage : stage.name;
}

/** Says that nothing can be compared, where that is so; null of any other study. */
export function withoutBaseline({ arms }: Study): string | null {
  return arms.some(({ name }) => name === BASELINE)
    ? null
    : `No arm is called "${BASELINE}": the report will compare none`;
}

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
  throw new TypeError(`Cannot read study ${file}: ${oneLine(what)}`);
}
