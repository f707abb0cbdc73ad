/** The grid: every run of a study. */
import type { RunSettings } from "../training/settings.ts";
import type { Study } from "./study.ts";

/** Every run of a study, seed by seed, so that an early stop leaves whole comparisons. */
export function expandGrid(study: Study): RunSettings[] {
  const { model, training, evaluation } = study;
  const runs: RunSettings[] = [];
  for (let seed = 1; seed <= study.seeds; seed++) {
    const common = { seed, fold: 0, model, training, evaluation };
    for (const { name, connector, objective, lambda: lambdas, stages: [stage] } of study.arms) {
      for (const lambda of objective === "none" ? [0] : lambdas) {
        runs.push({ role: "arm", arm: name, connector, objective, lambda, stage, ...common });
      }
    }
    if (study.controls.includes("question-only")) {
      const { connector, stages: [stage] } = study.arms.find(({ objective }) => objective === "none") ?? study.arms[0];
      runs.push({ role: "question-only", arm: "question-only", connector, objective: "none", lambda: 0, stage, ...common });
    }
  }
  return runs;
}

/** File name of a run's record. */
export function recordName({ arm, lambda, seed }: Pick<RunSettings, "arm" | "lambda" | "seed">): string {
  return `${arm}_lambda-${lambda}_seed-${seed}.json`;
}
