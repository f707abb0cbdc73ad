/**
 * The comparisons that have a verdict: the family that the study fixed, corrected together by Holm.
 *
 * Each arm of the family is compared with the baseline once a stage: at its last round, and at the
 * lambda that validation prefers. That choice is made among models whose seeds also give the test
 * answers, and a lucky seed is lucky on both. So the p of a chosen lambda counts as often as there
 * were lambdas to choose from (Bonferroni), before Holm. Where no validation was measured every
 * lambda is a comparison of its own.
 */
import { holm } from "../evaluation/holm.ts";
import {
  SEEDS_FOR_A_VERDICT,
  SIGNIFICANCE_LEVEL,
  type Summary,
  type Verdict,
  verdict,
} from "../evaluation/intervals.ts";
import { pairedT } from "../evaluation/paired_t.ts";
import type { StudyRecord } from "../records/record.ts";
import { analysisOf } from "./analysis.ts";
import { chooseLambda, type LambdaChoice } from "./chosen_lambda.ts";
import { type Condition, differenceToBaseline } from "./conditions.ts";

/** What stands for an arm after one stage. */
export interface MainCondition {
  /** Null where its runs are missing. */
  condition: Condition | null;
  /** How it was chosen; null where there was one lambda, or no validation to choose by. */
  choice: LambdaChoice | null;
  /** Lambdas that it was chosen from. */
  tried: number;
}

/** A member of the family, tested. */
export interface Comparison extends MainCondition {
  /** Paired differences of test accuracy over seeds; null where there are none. */
  difference: Summary | null;
  /** Two-sided p of the paired t test, adjusted; null with fewer seeds than a verdict needs. */
  p: number | null;
  /** The level at which p unadjusted would have to stand in Holm's first step. */
  alpha: number;
}

/** The family, or null where the study names none. */
export function familyOf(
  study: StudyRecord,
  conditions: readonly Condition[],
): Comparison[] | null {
  const analysis = analysisOf(study);
  if (analysis === null) return null;
  const members = analysis.family.flatMap((arm) => mainConditions(study, conditions, arm));
  const tested = members.map((member) => {
    const { condition, tried } = member;
    const difference = condition && differenceToBaseline(condition, conditions);
    const test = difference && difference.n >= SEEDS_FOR_A_VERDICT ? pairedT(difference) : null;
    return {
      ...member,
      difference,
      p: test && Math.min(1, tried * test.p),
      alpha: SIGNIFICANCE_LEVEL / members.length / tried,
    };
  });
  // What could not be tested stays in the count: the family was fixed before the runs.
  const adjusted = holm(tested.map(({ p }) => p ?? 1));
  return tested.map((member, i) => ({ ...member, p: member.p === null ? null : adjusted[i] }));
}

/** What stands for an arm, one a stage; the plan says which lambdas and rounds there are. */
export function mainConditions(
  { planned = [] }: StudyRecord,
  conditions: readonly Condition[],
  arm: string,
): MainCondition[] {
  const keys = [...planned, ...conditions].filter((key) => key.role === "arm" && key.arm === arm);
  return [...Map.groupBy(keys, ({ stage }) => stage)].flatMap(
    ([stage, ofStage]): MainCondition[] => {
      const lastRound = Math.max(...ofStage.map(({ round = 0 }) => round));
      const all = [...new Set(ofStage.map(({ lambda }) => lambda))];
      // At 0 an arm is the baseline itself.
      const lambdas = all.length > 1 ? all.filter((lambda) => lambda !== 0) : all;
      const candidates = conditions.filter((condition) =>
        condition.role === "arm" && condition.arm === arm && condition.stage === stage &&
        condition.round === lastRound && lambdas.includes(condition.lambda)
      );
      const choice = lambdas.length > 1 ? chooseLambda(candidates) : null;
      if (choice) return [{ condition: choice.chosen, choice, tried: lambdas.length }];
      return lambdas.map((lambda) => ({
        condition: candidates.find((candidate) => candidate.lambda === lambda) ?? null,
        choice: null,
        tried: 1,
      }));
    },
  );
}

/**
 * The verdict on a difference.
 *
 * @param p as adjusted within the family, null where it was not tested there, which shows nothing; absent
 * where there is no family
 */
export function verdictOf(
  { difference, p }: { difference: Summary; p?: number | null },
): Verdict {
  return p === undefined ? verdict(difference) : verdict(difference, p ?? 1);
}
