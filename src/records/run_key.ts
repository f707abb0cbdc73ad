/** What tells the runs of a study apart. */
import type { RunKey } from "./record.ts";

/** What tells a run of a study from the others, as text. */
export function keyText({ role, arm, lambda, seed, fold, round = 0, stage }: RunKey): string {
  return JSON.stringify([role, arm, lambda, seed, fold, round, stage]);
}
