/** The options of `ablate` that change a study, parsed and applied. */
import { closest } from "./closest.ts";
import { parseStudy, type Study } from "./study.ts";

/** Changes to a study. */
export interface StudyOptions {
  arms?: string[];
  lambda?: number[];
  seeds?: number;
  data?: string;
  encoder?: string;
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
      throw new RangeError(`Cannot read lambda "${text}": it must be numbers from 0 up, as in 0.5,1,2, or a grid from:to:step, as in 0:3.4:0.2`);
    }
    return value;
  };
  if (!text.includes(":")) return unique(text.split(",").map(number));
  const parts = text.split(":").map(number);
  const [from, to, step] = parts;
  if (parts.length !== 3 || step <= 0 || to < from) {
    throw new RangeError(`Cannot read lambda "${text}": a grid is from:to:step with from <= to and step > 0`);
  }
  // Counted, not added up, so that 0.1 steps do not drift; 12 digits hide what remains.
  const points = Math.floor((to - from) / step + 1e-9) + 1;
  if (points > 1000) throw new RangeError(`Cannot read lambda "${text}": the grid has ${points} points, at most 1000 are taken`);
  return Array.from({ length: points }, (_, i) => Number((from + i * step).toPrecision(12)));
}

const unique = (values: number[]) => [...new Set(values)];

/**
 * A study with options applied.
 *
 * @throws {RangeError} If an arm or a path is unknown.
 * @throws {TypeError} If a value does not fit its field.
 */
export function applyOptions(study: Study, options: StudyOptions): Study {
  const changed = structuredClone(study);
  for (const assignment of options.set ?? []) assign(changed, assignment);
  if (options.arms) {
    const known = study.arms.map(({ name }) => name);
    for (const name of options.arms) {
      if (!known.includes(name)) throw new RangeError(`Unknown arm "${name}"${closest(name, known)}`);
    }
    changed.arms = changed.arms.filter(({ name }) => options.arms!.includes(name));
  }
  if (options.lambda) {
    for (const arm of changed.arms) if (arm.objective !== "none") arm.lambda = options.lambda;
  }
  if (options.seeds !== undefined) changed.seeds = options.seeds;
  if (options.data !== undefined) changed.data = { ...changed.data, name: options.data };
  if (options.encoder !== undefined) changed.encoder = { ...changed.encoder, name: options.encoder };
  if (options.steps !== undefined) changed.training.steps = options.steps;
  return parseStudy(changed, `"${study.name}" with these options`);
}

/** Sets one field by its path; the value is JSON, or text where it is no JSON. */
function assign(study: Study, assignment: string): void {
  const [, path, text] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
  if (!path) throw new RangeError(`Cannot set "${assignment}": write path=value, as in training.batch=8`);
  const keys = path.split(".");
  // deno-lint-ignore no-explicit-any
  let at: any = study;
  keys.forEach((key, depth) => {
    const known = at !== null && typeof at === "object" ? Object.keys(at) : [];
    const optional = depth > 0 && ["data", "encoder"].includes(keys[0]);
    if (!known.includes(key) && !(optional && depth === keys.length - 1)) {
      throw new RangeError(`Cannot set "${path}": unknown field "${key}"${known.length > 0 ? closest(key, known) : ""}`);
    }
    if (depth < keys.length - 1) at = at[key];
  });
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: the text itself.
  }
  at[keys.at(-1)!] = value;
}
