/**
 * Which lambda of an arm is compared: the one that validation prefers. Test answers take no part in
 * the choice.
 */
import { mean } from "simple-statistics";
import type { Condition, Replicate } from "./conditions.ts";

/** One lambda of an arm, and how it did on the validation pictures. */
export interface LambdaScore {
  /** Weight of L_cos. */
  lambda: number;
  /** Share of validation questions answered right at the end of training, mean over seeds. */
  validation: number;
}

/** The choice among the lambdas of one arm. */
export interface LambdaChoice {
  /** What is compared. */
  chosen: Condition;
  /** Every lambda that could have been chosen, ascending. */
  scores: LambdaScore[];
}

/**
 * The condition with the best mean validation accuracy over the seeds that all of them have; of
 * equals the smaller lambda. Null where no seed was validated at every lambda.
 *
 * @param conditions of one arm, round and stage, at different lambdas
 */
export function chooseLambda(conditions: readonly Condition[]): LambdaChoice | null {
  const ascending = conditions.toSorted((a, b) => a.lambda - b.lambda);
  const bySeed = ascending.map(validationBySeed);
  const [first, ...others] = bySeed;
  if (first === undefined) return null;
  const seeds = [...first.keys()].filter((seed) => others.every((values) => values.has(seed)));
  if (seeds.length === 0) return null;
  const scores = ascending.map(({ lambda }, i) => ({
    lambda,
    validation: mean(seeds.map((seed) => bySeed[i].get(seed)!)),
  }));
  const best = Math.max(...scores.map(({ validation }) => validation));
  return { chosen: ascending[scores.findIndex((score) => score.validation === best)], scores };
}

/** Mean validation accuracy over seeds at the end of training; null where no seed was validated. */
export function lastValidation(condition: Condition): number | null {
  const values = [...validationBySeed(condition).values()];
  return values.length === 0 ? null : mean(values);
}

/** Accuracy of the last validation by seed, mean over folds; without the seeds that have none. */
function validationBySeed({ replicates }: Condition): Map<number, number> {
  const last = ({ runs }: Replicate) =>
    runs.flatMap(({ losses }) => losses.validation.at(-1)?.accuracy ?? []);
  return new Map(
    replicates.flatMap((replicate) => {
      const values = last(replicate);
      return values.length < replicate.runs.length ? [] : [[replicate.seed, mean(values)]];
    }),
  );
}
