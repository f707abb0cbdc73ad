/**
 * Differences between two conditions question by question, for the statistics that take questions for
 * the sample.
 */
import { mean } from "simple-statistics";
import { recordedScore } from "../evaluation/vqa_accuracy.ts";
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
      other.runs.flatMap(({ answers }) => answers.map((given) => [given.id, recordedScore(given)])),
    );
    for (const given of runs.flatMap(({ answers }) => answers)) {
      const { id, image } = given;
      if (image === undefined) return null;
      const before = scores.get(id);
      if (before === undefined) continue;
      const known = differences.get(id) ?? { image, values: [] };
      known.values.push(recordedScore(given) - before);
      differences.set(id, known);
    }
  }
  return [...differences.values()].map(({ image, values }) => ({
    image,
    difference: mean(values),
  }));
}
