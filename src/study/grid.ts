/** The grid: every run of a study. */
import type { RunSettings } from "../training/settings.ts";
import { QUESTION_ONLY, type Study } from "./study.ts";

/** A larger grid is a slip of the pen. */
const MOST_RUNS = 100_000;

/**
 * Every run of a study, seed by seed, so that an early stop leaves whole comparisons.
 *
 * @throws {RangeError} If there are more than 100,000.
 */
export function expandGrid(study: Study): RunSettings[] {
  const { model, training, evaluation } = study;
  const runsOfSeed = study.arms.reduce(
    (sum, { lambda }) => sum + lambda.length,
    study.controls.includes(QUESTION_ONLY) ? 1 : 0,
  );
  if (runsOfSeed * study.seeds > MOST_RUNS) {
    throw new RangeError(
      `Cannot plan study ${study.name}: ${study.seeds} seeds of ${runsOfSeed} runs each are more than ${MOST_RUNS} runs`,
    );
  }
  const runs: RunSettings[] = [];
  for (let seed = 1; seed <= study.seeds; seed++) {
    const common = { seed, fold: 0, model, training, evaluation };
    for (const { name, connector, objective, lambda: lambdas, stages: [stage] } of study.arms) {
      for (const lambda of lambdas) {
        runs.push({ role: "arm", arm: name, connector, objective, lambda, stage, ...common });
      }
    }
    if (study.controls.includes(QUESTION_ONLY)) {
      const { connector, stages: [stage] } = study.arms.find(({ objective }) =>
        objective === "none"
      ) ?? study.arms[0];
      runs.push({
        role: "question-only",
        arm: QUESTION_ONLY,
        connector,
        objective: "none",
        lambda: 0,
        stage,
        ...common,
      });
    }
  }
  return runs;
}

/** File name of a run's record. */
export function recordName(
  { arm, lambda, seed }: Pick<RunSettings, "arm" | "lambda" | "seed">,
): string {
  return `${arm}_lambda-${lambda}_seed-${seed}.json`;
}
