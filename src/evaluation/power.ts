/**
 * How large a study must be: power of the paired t test over seeds, and the effect, the seeds and the
 * questions that a power asks for.
 *
 * With true difference effect and standard deviation sd of the per-seed differences, t has the
 * noncentral distribution with n - 1 degrees of freedom and noncentrality effect sqrt(n) / sd (Cohen,
 * Statistical Power Analysis for the Behavioral Sciences, chapter 2). Both are in one unit, here
 * percentage points.
 *
 * Questions are a sample too. A per-seed difference over Q questions varies by
 *
 *     sd^2 = sd_seed^2 + noise / Q,   noise = 100^2 2 A (1 - A) (1 - R)
 *
 * where A is the accuracy of both arms, R the correlation of their right answers over questions, and
 * answers of one seed are independent given both. What the questions themselves favour at every seed
 * is not in it: the test over seeds speaks of this test set.
 */
import { SEEDS_FOR_A_VERDICT } from "./intervals.ts";
import { noncentralTCdf } from "./noncentral_t.ts";
import { studentTQuantile } from "./student_t.ts";

/** Beyond so many seeds nothing is searched. */
const MOST = 1e5;

/** What a test rests on, all in one unit. */
export interface TestPlan {
  /** Standard deviation of the per-seed differences, from 0. */
  sd: number;
  /** Two-sided level: 0.05, or 0.05 over the number of comparisons for Holm's first step. */
  alpha: number;
}

/**
 * Chance that a two-sided paired t test over `seeds` differences rejects 0 where the true difference
 * is `effect`.
 *
 * @throws {RangeError} when there are fewer than two seeds, or sd or alpha is out of range
 *
 * @example
 * ```ts
 * import { pairedTPower } from "./power.ts";
 * import assert from "node:assert/strict";
 *
 * // Half a standard deviation and 34 pairs: Cohen's tables say 0.81.
 * const power = pairedTPower({ effect: 0.5, sd: 1, seeds: 34, alpha: 0.05 });
 * assert.ok(Math.abs(power - 0.8078) < 1e-4);
 * ```
 */
export function pairedTPower(
  { effect, sd, seeds, alpha }: TestPlan & { effect: number; seeds: number },
): number {
  check(sd >= 0, "the standard deviation must not be negative", sd);
  check(alpha > 0 && alpha < 1, "the level must lie between 0 and 1", alpha);
  check(Number.isSafeInteger(seeds) && seeds >= 2, "a test needs two seeds or more", seeds);
  if (effect === 0) return sd === 0 ? 0 : alpha;
  if (sd === 0) return 1;
  return powerAt(effect * Math.sqrt(seeds) / sd, seeds - 1, alpha);
}

/** Chance that |T| passes the critical value. */
function powerAt(delta: number, df: number, alpha: number): number {
  const critical = studentTQuantile(1 - alpha / 2, df);
  return 1 - noncentralTCdf(critical, df, delta) + noncentralTCdf(-critical, df, delta);
}

/**
 * The smallest true difference that the test finds with this power.
 *
 * @throws {RangeError} as {@linkcode pairedTPower}, or when power does not lie between alpha and 1
 *
 * @example
 * ```ts
 * import { smallestDetectableEffect } from "./power.ts";
 * import assert from "node:assert/strict";
 *
 * // Five seeds find differences of about two standard deviations nine times in ten.
 * const effect = smallestDetectableEffect({ sd: 0.5, seeds: 5, alpha: 0.05, power: 0.9 });
 * assert.ok(Math.abs(effect - 0.99) < 0.01);
 * ```
 */
export function smallestDetectableEffect(
  { sd, seeds, alpha, power }: TestPlan & { seeds: number; power: number },
): number {
  check(power > alpha && power < 1, "the power must lie between the level and 1", power);
  return sd * detectable(seeds, alpha, power);
}

/** What was searched for already: a report asks for the same few sizes in every row. */
const searched = new Map<string, number>();

/** The smallest detectable effect in standard deviations. */
function detectable(seeds: number, alpha: number, power: number): number {
  const key = [seeds, alpha, power].join();
  const known = searched.get(key);
  if (known !== undefined) return known;
  const found = (effect: number) => pairedTPower({ effect, sd: 1, seeds, alpha }) >= power;
  let low = 0, high = 1;
  while (!found(high)) [low, high] = [high, 2 * high];
  while (high - low > 1e-8 * high) {
    const middle = (low + high) / 2;
    if (found(middle)) high = middle;
    else low = middle;
  }
  searched.set(key, high);
  return high;
}

/**
 * The fewest seeds that find `effect` with this power, and no fewer than a verdict needs; Infinity
 * where 100,000 are too few.
 *
 * @throws {RangeError} as {@linkcode smallestDetectableEffect}, or when effect is not positive
 *
 * @example
 * ```ts
 * import { seedsNeeded } from "./power.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(seedsNeeded({ effect: 0.5, sd: 1, alpha: 0.05, power: 0.8 }), 34);
 * assert.equal(seedsNeeded({ effect: 9, sd: 1, alpha: 0.05, power: 0.8 }), 5);
 * ```
 */
export function seedsNeeded(
  { effect, sd, alpha, power }: TestPlan & { effect: number; power: number },
): number {
  check(effect > 0, "the effect must be positive", effect);
  check(power > alpha && power < 1, "the power must lie between the level and 1", power);
  return fewest(
    SEEDS_FOR_A_VERDICT,
    (seeds) => pairedTPower({ effect, sd, seeds, alpha }) >= power,
  );
}

/** Answers whose chance varies a per-seed difference. */
export interface QuestionModel {
  /** Accuracy of both arms, from 0 to 1. */
  accuracy: number;
  /** Correlation of their right answers over questions, from 0 to 1. */
  correlation: number;
}

/**
 * Variance of a single question's difference between two arms, in squared percentage points: the
 * variance that a per-seed difference over Q questions has from them is this over Q.
 *
 * @throws {RangeError} when accuracy or correlation does not lie between 0 and 1
 *
 * @example
 * ```ts
 * import { questionNoise } from "./power.ts";
 * import assert from "node:assert/strict";
 *
 * // Two coins: variance 1/2, 5,000 squared points.
 * assert.equal(questionNoise({ accuracy: 0.5, correlation: 0 }), 5000);
 * ```
 */
export function questionNoise({ accuracy, correlation }: QuestionModel): number {
  check(accuracy >= 0 && accuracy <= 1, "the accuracy must lie between 0 and 1", accuracy);
  check(
    correlation >= 0 && correlation <= 1,
    "the correlation must lie between 0 and 1",
    correlation,
  );
  return 100 ** 2 * 2 * accuracy * (1 - accuracy) * (1 - correlation);
}

/**
 * The fewest questions with which so many seeds find `effect` (points) with this power; Infinity
 * where no number is enough, because the seeds alone vary too much.
 *
 * @param plan `sd` is here the deviation between seeds without the questions' noise
 * @throws {RangeError} as {@linkcode smallestDetectableEffect} and {@linkcode questionNoise}
 *
 * @example
 * ```ts
 * import { questionsNeeded } from "./power.ts";
 * import assert from "node:assert/strict";
 *
 * const plan = { effect: 1, sd: 0.3, seeds: 8, alpha: 0.05, power: 0.9 };
 * assert.equal(questionsNeeded(plan, { accuracy: 0.75, correlation: 0.6 }), 3223);
 * ```
 */
export function questionsNeeded(
  plan: TestPlan & { effect: number; seeds: number; power: number },
  model: QuestionModel,
): number {
  const { effect, sd, seeds, alpha, power } = plan;
  check(effect > 0, "the effect must be positive", effect);
  const most = effect / smallestDetectableEffect({ sd: 1, seeds, alpha, power });
  const noise = questionNoise(model);
  if (most <= sd) return Infinity;
  return Math.max(1, Math.ceil(noise / (most ** 2 - sd ** 2)));
}

/** The smallest whole number from `least` up that is enough, where more is never less. */
function fewest(least: number, isEnough: (n: number) => boolean): number {
  let low = least - 1, high = least;
  while (!isEnough(high)) {
    if (high >= MOST) return Infinity;
    [low, high] = [high, Math.min(MOST, 2 * high)];
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function check(holds: boolean, rule: string, value: number): void {
  if (!holds) throw new RangeError(`Cannot compute power: ${rule}, got ${value}`);
}
