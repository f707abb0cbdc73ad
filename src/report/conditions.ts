/**
 * Groups run records into what the report compares: conditions, each repeated over seeds.
 */
import { pairedDifference, summarise, type Summary } from "../evaluation/intervals.ts";
import { poolAccuracy } from "../evaluation/pool_accuracy.ts";
import {
  type Accuracy,
  BASELINE,
  RUN_ROLES,
  type RunKey,
  type RunRecord,
} from "../records/record.ts";

/** All runs of one arm, lambda, round and stage. */
export interface Condition {
  /** Compared variant or control. */
  role: RunRecord["role"];
  /** Name of the arm. */
  arm: string;
  /** Weight of the arm's loss. */
  lambda: number;
  /** Round of repeated self-distillation, from 0. */
  round: number;
  /** Training stage after which the runs were tested. */
  stage: string;
  /** Of its runs; `none` has no lambda worth naming. */
  objective: string;
  /** How the report calls it in running text and in legends: no other of the study is called so. */
  name: string;
  /** By ascending seed. */
  replicates: Replicate[];
}

/** One seed of a condition. */
export interface Replicate {
  /** The seed. */
  seed: number;
  /** One a fold, by ascending fold. */
  runs: RunRecord[];
  /** Over the questions of all folds together. */
  accuracy: Accuracy;
}

/**
 * Runs in the order in which the report lists them: baseline, the other arms by name, the controls;
 * then by lambda, round, stage, seed and fold.
 */
export function sortRuns<Run extends RunKey>(runs: readonly Run[]): Run[] {
  return runsByCondition(runs).flat();
}

/** Groups runs, in any order, into conditions in the order of {@linkcode sortRuns}. */
export function groupRuns(runs: readonly RunRecord[]): Condition[] {
  const nameOf = conditionNames(runs);
  return runsByCondition(runs).map((group) => {
    const { role, arm, lambda, round = 0, stage, objective } = group[0];
    const seeds = Map.groupBy(group, ({ seed }) => seed);
    const replicates = [...seeds].map(([seed, runs]) => ({
      seed,
      runs,
      accuracy: poolAccuracy(runs.map(({ accuracy }) => accuracy)),
    }));
    return { role, arm, lambda, round, stage, objective, name: nameOf(group[0]), replicates };
  });
}

/** There are few conditions, and may be very many runs: only numbers are compared between those. */
function runsByCondition<Run extends RunKey>(runs: readonly Run[]): Run[][] {
  const groups = Map.groupBy(
    runs,
    ({ role, arm, lambda, round = 0, stage }) => JSON.stringify([role, arm, lambda, round, stage]),
  );
  return [...groups.values()]
    .sort(([a], [b]) =>
      rank(a) - rank(b) ||
      compareText(a.arm, b.arm) ||
      a.lambda - b.lambda ||
      (a.round ?? 0) - (b.round ?? 0) ||
      compareText(a.stage, b.stage)
    )
    .map((group) => group.sort((a, b) => a.seed - b.seed || a.fold - b.fold));
}

/** Seeds in ascending order. */
export function seedsOf(conditions: readonly Condition[]): number[] {
  const seeds = conditions.flatMap(({ replicates }) => replicates.map(({ seed }) => seed));
  return [...new Set(seeds)].sort((a, b) => a - b);
}

/** Overall accuracy by seed. */
export function overallBySeed(
  { replicates }: Pick<Condition, "replicates">,
): Map<number, number> {
  return new Map(
    replicates.map(({ seed, accuracy }) => [seed, accuracy.overall]),
  );
}

/**
 * A measurement over seeds, averaged over the folds of each; null where no run has it.
 *
 * @param pick the measurement of a run, null where the run has none
 */
export function measure(
  { replicates }: Condition,
  pick: (run: RunRecord) => number | null,
): Summary | null {
  const values = replicates.flatMap((replicate) => meanOverFolds(replicate, pick) ?? []);
  return values.length === 0 ? null : summarise(values);
}

/**
 * A share of right answers over seeds; null where no seed has it.
 *
 * @param pick the share, from 0 to 1, null where the test set has no such question
 */
export function measureAccuracy(
  { replicates }: Condition,
  pick: (accuracy: Accuracy) => number | null,
): Summary | null {
  const values = replicates.map(({ accuracy }) => pick(accuracy)).filter((
    value,
  ) => value !== null);
  return values.length === 0 ? null : summarise(values);
}

/** Accuracy on one question type; null where no such question was asked. */
export function accuracyOfType(
  { byType }: Accuracy,
  type: string,
): number | null {
  return Object.hasOwn(byType, type) ? byType[type].accuracy : null;
}

/** All runs, in the order of the conditions. */
export function runsOf(conditions: readonly Condition[]): RunRecord[] {
  return conditions.flatMap(({ replicates }) => replicates.flatMap(({ runs }) => runs));
}

/** The baseline arm's first condition. */
export function findBaseline(
  conditions: readonly Condition[],
): Condition | undefined {
  return conditions.find(({ role, arm }) => role === "arm" && arm === BASELINE);
}

/** The baseline that a condition is compared with: the one of its stage. */
export function baselineOf(
  condition: Condition,
  all: readonly Condition[],
): Condition | undefined {
  return findBaseline(all.filter(({ stage }) => stage === condition.stage));
}

/**
 * Paired differences to the baseline; null for the baseline itself, and where there is none with the
 * same seeds. Otherwise as {@linkcode differenceTo}.
 */
export function differenceToBaseline(
  condition: Condition,
  all: readonly Condition[],
  pick?: (replicate: Replicate) => number | null,
  level?: number,
): Summary | null {
  const baseline = baselineOf(condition, all);
  return baseline === undefined || baseline === condition
    ? null
    : differenceTo(baseline, condition, pick, level);
}

/**
 * Paired differences of a condition to another, of the overall accuracy unless told otherwise; null
 * where no seed is in both. Seeds count only where both were tested on the same folds.
 *
 * @param pick the measurement of a seed, null where it has none
 * @param level coverage of the interval; default 0.95
 */
export function differenceTo(
  reference: Condition,
  condition: Condition,
  pick: (replicate: Replicate) => number | null = ({ accuracy }) => accuracy.overall,
  level?: number,
): Summary | null {
  const bySeed = (replicates: readonly Replicate[]) =>
    new Map(replicates.flatMap((replicate): [number, number][] => {
      const value = pick(replicate);
      return value === null ? [] : [[replicate.seed, value]];
    }));
  return pairedDifference(
    bySeed(reference.replicates),
    bySeed(comparableReplicates(reference, condition)),
    level,
  );
}

/** Seeds of a condition at which another was tested on the same folds: folds are not equally hard. */
export function comparableReplicates(reference: Condition, condition: Condition): Replicate[] {
  const folds = ({ runs }: Replicate) => runs.map(({ fold }) => fold).join();
  const tested = new Map(
    reference.replicates.map((replicate) => [replicate.seed, folds(replicate)]),
  );
  return condition.replicates.filter((replicate) =>
    tested.get(replicate.seed) === folds(replicate)
  );
}

/** A measurement of a seed's runs, averaged over its folds; null where no run has it. */
export function meanOverFolds(
  { runs }: Replicate,
  pick: (run: RunRecord) => number | null,
): number | null {
  if (runs.length === 1) return pick(runs[0]);
  const folds = runs.map(pick).filter((value) => value !== null);
  return folds.length === 0 ? null : summarise(folds).mean;
}

/** Names conditions by what tells them apart: of their stages only where the runs have several. */
export function conditionNames(
  runs: readonly RunKey[],
): (key: RunKey & { objective?: string }) => string {
  const severalStages = new Set(runs.map(({ stage }) => stage)).size > 1;
  return ({ role, arm, lambda, round = 0, stage, objective }) => {
    const said = [
      ...(role === "arm" && arm !== BASELINE && objective !== "none" ? [`λ = ${lambda}`] : []),
      ...(round > 0 ? [`round ${round}`] : []),
      ...(severalStages ? [stage] : []),
    ];
    return said.length > 0 ? `${arm} (${said.join(", ")})` : arm;
  };
}

function rank({ role, arm }: RunKey): number {
  if (role !== "arm") return 1 + RUN_ROLES.indexOf(role);
  return arm === BASELINE ? 0 : 1;
}

/** By code units, which no locale changes. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Whether several people have answered each question, so that answers have scores. The runs of a study
 * have one data set, so the first one tells.
 */
export function isScored([condition]: readonly Condition[]): boolean {
  return condition.replicates[0].runs[0].answers.some(({ score }) => score !== undefined);
}
