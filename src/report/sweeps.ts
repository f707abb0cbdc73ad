/**
 * The sweeps of a study: arms that ran at several lambdas.
 */
import type { SweepPoint } from "../evaluation/lambda_slope.ts";
import { baselineOf, comparableReplicates, type Condition } from "./conditions.ts";

/** One arm, round and stage at all its lambdas. */
export interface Sweep {
  /** Its first condition, which says what it is. */
  condition: Condition;
  /** What tells it from the other sweeps, in words. */
  name: string;
  /** Its runs, and those of the baseline where that stands for lambda 0; accuracy as a share. */
  points: SweepPoint[];
}

/** The arms that ran at several lambdas above 0, in the order of the conditions. */
export function sweepsOf(conditions: readonly Condition[]): Sweep[] {
  const arms = Map.groupBy(
    conditions.filter(({ role }) => role === "arm"),
    ({ arm, round, stage }) => JSON.stringify([arm, round, stage]),
  );
  const sweeps = [...arms.values()].filter((sweep) =>
    sweep.filter(({ lambda }) => lambda > 0).length > 1
  );
  const stages = new Set(sweeps.map(([{ stage }]) => stage));
  return sweeps.map((sweep) => {
    const [condition] = sweep;
    const { arm, round, stage } = condition;
    const said = [
      arm,
      ...(stages.size > 1 ? [stage] : []),
      ...(round > 0 ? [`round ${round}`] : []),
    ];
    return {
      condition,
      name: said.join(", "),
      points: [...startOf(sweep, conditions), ...sweep].flatMap((point) =>
        pointsOf(point, baselineOf(condition, conditions))
      ),
    };
  });
}

/** The baseline, which every objective equals at lambda 0, where the arm has no run there itself. */
function startOf(sweep: readonly Condition[], conditions: readonly Condition[]): Condition[] {
  if (sweep.some(({ lambda }) => lambda === 0)) return [];
  const baseline = baselineOf(sweep[0], conditions);
  const connector = ({ replicates }: Condition) => replicates[0].runs[0].connector;
  return baseline && sweep[0].round === 0 && connector(baseline) === connector(sweep[0])
    ? [baseline]
    : [];
}

/** Of seeds that were tested on the folds of the baseline, where there is one. */
function pointsOf(condition: Condition, baseline: Condition = condition): SweepPoint[] {
  return comparableReplicates(baseline, condition).map(({ seed, accuracy }) => ({
    seed,
    lambda: condition.lambda,
    accuracy: accuracy.overall,
  }));
}
