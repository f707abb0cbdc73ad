/** The options of `ablate` that change a study, parsed and applied. */
import { parseAssignment } from "./assignment.ts";
import { closest } from "./closest.ts";
import { parseStudy, type Study, studySchema } from "./study.ts";

/** Changes to a study; what is absent stays. */
export interface StudyOptions {
  /** Names of the arms that are kept. */
  arms?: string[];
  /** Weights of L_cos, in place of those of every arm that has one. */
  lambda?: number[];
  seeds?: number;
  /** Name of another data set. */
  data?: string;
  /** Name or folder of another encoder. */
  encoder?: string;
  /** Name or folder of another language model. */
  llm?: string;
  /** Folds of cross-validation, by image unless `set` says otherwise. */
  folds?: number;
  steps?: number;
  /** `path=value` each. */
  set?: string[];
}

/**
 * A list of lambdas: `0.5,1,2`, or a grid `from:to:step` with both ends.
 *
 * @throws {RangeError} If it is neither, or a value is negative.
 *
 * @example
 * ```ts
 * import { parseLambdas } from "./options.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseLambdas("0:1:0.25"), [0, 0.25, 0.5, 0.75, 1]);
 * ```
 */
export function parseLambdas(text: string): number[] {
  const number = (word: string) => {
    const value = word.trim() === "" ? NaN : Number(word);
    if (!Number.isFinite(value) || value < 0) {
      throw new RangeError(
        `Cannot read lambda "${text}": it must be numbers from 0 up, as in 0.5,1,2, or a grid from:to:step, as in 0:3.4:0.2`,
      );
    }
    return value;
  };
  if (!text.includes(":")) return unique(text.split(",").map(number));
  const parts = text.split(":").map(number);
  const [from, to, step] = parts;
  if (parts.length !== 3 || step <= 0 || to < from) {
    throw new RangeError(
      `Cannot read lambda "${text}": a grid is from:to:step with from <= to and step > 0`,
    );
  }
  // Counted, not added up, so that 0.1 steps do not drift; 12 digits hide what remains.
  const points = Math.floor((to - from) / step + 1e-9) + 1;
  if (points > 1000) {
    throw new RangeError(
      `Cannot read lambda "${text}": the grid has ${points} points, at most 1000 are taken`,
    );
  }
  return Array.from({ length: points }, (_, i) => Number((from + i * step).toPrecision(12)));
}

const unique = (values: number[]) => [...new Set(values)];

/**
 * A study with options applied.
 *
 * @throws {RangeError} If an arm or a path is unknown, or no arm has a lambda to replace.
 * @throws {TypeError} If a value does not fit its field.
 */
export function applyOptions(study: Study, options: StudyOptions): Study {
  const changed = structuredClone(study);
  // First, so that --set folds.by=question finds what it sets.
  if (options.folds !== undefined) {
    changed.folds = { seed: 0, ...changed.folds, by: "image", count: options.folds };
  }
  for (const assignment of options.set ?? []) assign(changed, assignment);
  if (options.arms) {
    const known = study.arms.map(({ name }) => name);
    for (const name of options.arms) {
      if (!known.includes(name)) {
        throw new RangeError(`Unknown arm "${name}"${closest(name, known)}`);
      }
    }
    changed.arms = changed.arms.filter(({ name }) => options.arms!.includes(name));
    keepCompared(changed, options.arms);
  }
  if (options.lambda) {
    const weighed = changed.arms.filter(({ objective }) => objective !== "none");
    if (weighed.length === 0) {
      throw new RangeError(
        `Cannot set lambda: no arm of study "${study.name}" with these options has an objective`,
      );
    }
    for (const arm of weighed) arm.lambda = options.lambda;
  }
  if (options.seeds !== undefined) changed.seeds = options.seeds;
  if (options.data !== undefined) changed.data = { ...changed.data, name: options.data };
  if (options.encoder !== undefined && options.encoder !== changed.encoder.name) {
    changed.encoder.name = options.encoder;
    // It was chosen for the other one, and not all have layers.
    if (!options.set?.some((change) => /^encoder(\.layer)?=/.test(change))) {
      delete changed.encoder.layer;
    }
  }
  if (options.llm !== undefined) {
    changed.llm.name = options.llm;
    if (options.llm !== "random") delete changed.llm.shape;
  }
  if (options.steps !== undefined) {
    for (const training of [changed.training, ...changed.stages.map(({ training }) => training)]) {
      training.steps = options.steps;
      delete training.epochs;
    }
  }
  return parseStudy(changed, `"${study.name}" with these options`);
}

/** Leaves of a study's analysis what is about the arms that are left. */
function keepCompared(study: Study, arms: readonly string[]): void {
  if (!study.analysis) return;
  const { family, claims } = study.analysis;
  study.analysis.family = family.filter((arm) => arms.includes(arm));
  study.analysis.claims = claims.filter(({ arm }) => arms.includes(arm));
  if (study.analysis.family.length === 0) delete study.analysis;
}

/** Fields that a study may leave out. */
const OPTIONAL_FIELDS: Record<string, string[]> = {
  "": Object.keys(studySchema.shape),
  data: Object.keys(studySchema.shape.data.shape),
  encoder: Object.keys(studySchema.shape.encoder.shape),
  llm: Object.keys(studySchema.shape.llm.shape),
  training: Object.keys(studySchema.shape.training.shape),
  folds: ["count", "by", "seed"],
};

/**
 * Sets one field by its path; the value is JSON, or text where it is no JSON. `null` takes an optional
 * field away.
 */
function assign(study: Study, assignment: string): void {
  const parsed = parseAssignment(assignment);
  if (!parsed) {
    throw new RangeError(`Cannot set "${assignment}": write path=value, as in training.batch=8`);
  }
  const { path, value } = parsed;
  const keys = path.split(".");
  const last = keys.pop()!;
  let at: unknown = study;
  for (const [depth, key] of keys.entries()) {
    const known = knownField(at, key, path, keys.slice(0, depth));
    // A part that the study left out begins empty.
    at = (at as Record<string, unknown>)[known] ??= {};
  }
  const field = knownField(at, last, path, keys);
  if (value === null) delete (at as Record<string, unknown>)[field];
  else (at as Record<string, unknown>)[field] = value;
}

/** The field, if the object at hand has it or may have it. */
function knownField(at: unknown, key: string, path: string, parents: string[]): string {
  const own = at !== null && typeof at === "object" ? Object.keys(at) : [];
  const known = OPTIONAL_FIELDS[parents.join(".")] ?? own;
  if (known.includes(key)) return key;
  throw new RangeError(
    `Cannot set "${path}": unknown field "${key}"${known.length > 0 ? closest(key, known) : ""}`,
  );
}
