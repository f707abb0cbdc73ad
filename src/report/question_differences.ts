/**
 * Differences between two conditions question by question, for the statistics that take questions for
 * the sample.
 */
import { recordedScore } from "../evaluation/vqa_accuracy.ts";
import type { GivenAnswer } from "../records/record.ts";
import type { Condition } from "./conditions.ts";

/** One test question, answered by both. */
export interface QuestionDifference {
  /** Scores of the condition less those of the baseline, mean over the seeds of both: -1 to 1. */
  difference: number;
  /** The question's picture. */
  image: string;
}

/**
 * The questions that both answered, at the seeds that both have; null where a record does not say
 * which picture a question is about, as older ones do not.
 */
export function questionDifferences(
  condition: Condition,
  baseline: Condition,
): QuestionDifference[] | null {
  const bySeed = new Map(baseline.replicates.map((replicate) => [replicate.seed, replicate]));
  const differences = new Map<string, Summed>();
  for (const { seed, runs } of condition.replicates) {
    const other = bySeed.get(seed);
    if (other === undefined) continue;
    const before = finder(other.runs.flatMap(({ answers }) => answers));
    for (const [place, given] of runs.flatMap(({ answers }) => answers).entries()) {
      const { id, image } = given;
      if (image === undefined) return null;
      const its = before(id, place);
      if (its === undefined) continue;
      let known = differences.get(id);
      if (known === undefined) differences.set(id, known = { image, sum: 0, seeds: 0 });
      known.sum += recordedScore(given) - recordedScore(its);
      known.seeds++;
    }
  }
  return [...differences.values()].map(({ image, sum, seeds }) => ({
    image,
    difference: sum / seeds,
  }));
}

interface Summed {
  image: string;
  sum: number;
  seeds: number;
}

/** Finds the answer to a question, which mostly stands at the same place in another run. */
function finder(
  answers: readonly GivenAnswer[],
): (id: string, place: number) => GivenAnswer | undefined {
  let byId: Map<string, GivenAnswer> | undefined;
  return (id, place) => {
    if (answers[place]?.id === id) return answers[place];
    byId ??= new Map(answers.map((given) => [given.id, given]));
    return byId.get(id);
  };
}
