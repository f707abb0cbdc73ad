/**
 * Which arm the main table sets in bold: the best one, and only where the verdicts tell it from the rest.
 */
import type { Verdict } from "../evaluation/intervals.ts";
import { BASELINE } from "../records/record.ts";
import { type Condition, measureAccuracy } from "./conditions.ts";

/** A condition and its verdict against the baseline; null where it has none. */
export interface Judged {
  condition: Condition;
  verdict: Verdict | null;
}

/**
 * The most accurate arm of each stage, where it can be told from the baseline: an arm whose verdict is
 * "higher", or the baseline where every other arm's is "lower". A tie has no best.
 *
 * @param judged every row of the table; controls are passed over
 */
export function bestConditions(judged: readonly Judged[]): Set<Condition> {
  const arms = judged.filter(({ condition }) => condition.role === "arm");
  const best = [...Map.groupBy(arms, ({ condition }) => condition.stage).values()]
    .flatMap((ofStage) => bestOfStage(ofStage) ?? []);
  return new Set(best);
}

function bestOfStage(judged: readonly Judged[]): Condition | null {
  const mean = ({ condition }: Judged) =>
    measureAccuracy(condition, ({ overall }) => overall)?.mean ?? -1;
  const [first, second] = judged.toSorted((a, b) => mean(b) - mean(a));
  if (second === undefined || mean(first) === mean(second)) return null;
  const others = judged.filter((row) => row !== first);
  const told = first.condition.arm === BASELINE
    ? others.every(({ verdict }) => verdict === "lower")
    : first.verdict === "higher";
  return told ? first.condition : null;
}
