/** The grid: every run of a study. */
import type { RunSettings, StageSettings } from "../training/settings.ts";
import { type Arm, RUN_CONTROLS, stageName, STAGES, type Study } from "./study.ts";

/** A larger grid is a slip of the pen. */
const MOST_RUNS = 100_000;

/**
 * Every run of a study, seed by seed and fold by fold, so that an early stop leaves whole comparisons.
 * The controls go through the stages of the first arm without an objective.
 *
 * @throws {RangeError} If there are more than 100,000.
 */
export function expandGrid(study: Study): RunSettings[] {
  const { evaluation, lora, projector } = study;
  const controls = RUN_CONTROLS.filter((name) => study.controls.includes(name));
  const folds = study.folds?.count ?? 1;
  const runsOfSeed = folds *
    study.arms.reduce(
      (sum, { lambda, rounds }) => sum + lambda.length * (1 + (rounds?.count ?? 0)),
      controls.length,
    );
  if (runsOfSeed * study.seeds > MOST_RUNS) {
    throw new RangeError(
      `Cannot plan study ${study.name}: ${study.seeds} seeds of ${runsOfSeed} runs each are more than ${MOST_RUNS} runs`,
    );
  }
  const stagesOf = (stages: Arm["stages"]) => stages.map((stage) => resolveStage(study, stage));
  const plain = study.arms.find(({ objective }) => objective === "none") ?? study.arms[0];
  const runs: RunSettings[] = [];
  for (let seed = 1; seed <= study.seeds; seed++) {
    for (let fold = 0; fold < folds; fold++) {
      const common = { seed, fold, projectorWidth: projector.width, lora, evaluation };
      for (const arm of study.arms) {
        const { name, connector, objective, options, lambdaSchedule, rounds } = arm;
        const { count, xi } = rounds ?? { count: 0, xi: 0 };
        for (const lambda of arm.lambda) {
          for (let round = 0; round <= count; round++) {
            runs.push({
              role: "arm",
              arm: name,
              connector,
              objective,
              objectiveOptions: options,
              lambda,
              lambdaSchedule,
              round,
              xi,
              stages: stagesOf(arm.stages),
              ...common,
            });
          }
        }
      }
      for (const control of controls) {
        runs.push({
          role: control,
          arm: control,
          connector: plain.connector,
          objective: "none",
          objectiveOptions: {},
          lambda: 0,
          lambdaSchedule: "constant",
          round: 0,
          xi: 0,
          stages: stagesOf(plain.stages),
          ...common,
        });
      }
    }
  }
  return runs;
}

/** A stage with all of its settings: the arm's, then its own, then the study's. */
function resolveStage(study: Study, asked: Arm["stages"][number]): StageSettings {
  const name = stageName(asked);
  const known = [...study.stages, ...STAGES].find((stage) => stage.name === name)!;
  const stage = typeof asked === "string" ? known : { ...known, ...asked };
  const training = { ...study.training, ...stage.training };
  // Steps of its own outweigh epochs of the study.
  if (stage.training.steps && !stage.training.epochs) delete training.epochs;
  return { name, train: stage.train, draw: stage.draw, training };
}

/** What tells the runs of a study apart. */
export type RunIdentity = Pick<RunSettings, "arm" | "lambda" | "seed" | "fold"> & {
  /** 0 when absent, as in older records. */
  round?: number;
};

/** What names a run, for people and for files. */
export function runName({ arm, lambda, seed, fold, round = 0 }: RunIdentity): string {
  const parts = [arm, `lambda-${lambda}`, `seed-${seed}`];
  if (fold > 0) parts.push(`fold-${fold}`);
  if (round > 0) parts.push(`round-${round}`);
  return parts.join("_");
}

/** Names of a run's records, one a stage in their order, without their ending. */
export function recordNames(settings: RunSettings): string[] {
  return settings.stages.map(({ name }) => recordName(settings, name, settings.stages.length));
}

/** Name of a run's record after a stage, without its ending. */
export function recordName(
  run: RunIdentity,
  stage: string,
  stages: number,
): string {
  return stages > 1 ? `${runName(run)}_${stage}` : runName(run);
}
