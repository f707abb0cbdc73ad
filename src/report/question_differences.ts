/**
 * Differences between two conditions question by question, for the statistics that take questions for
 * the sample.
 */
import { mean } from "simple-statistics";
import type { GivenAnswer } from "../study/record.ts";
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
  const differences = new Map<string, { image: string; values: number[] }>();
  for (const { seed, runs } of condition.replicates) {
    const other = bySeed.get(seed);
    if (other === undefined) continue;
    const scores = new Map(
      other.runs.flatMap(({ answers }) => answers.map((given) => [given.id, scoreOf(given)])),
    );
    for (const given of runs.flatMap(({ answers }) => answers)) {
      const { id, image } = given;
      if (image === undefined) return null;
      const before = scores.get(id);
      if (before === undefined) continue;
      const known = differences.get(id) ?? { image, values: [] };
      known.values.push(scoreOf(given) - before);
      differences.set(id, known);
    }
  }
  return [...differences.values()].map(({ image, values }) => ({
    image,
    difference: mean(values),
  }));
}

/** VQA accuracy where several people have answered, else 1 for a right answer and 0 for a wrong one. */
function scoreOf({ correct, score = Number(correct) }: GivenAnswer): number {
  return score;
}
