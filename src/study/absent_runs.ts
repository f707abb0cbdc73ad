/** What a study's folder lacks of its grid. */
import { join } from "node:path";
import { namesIn } from "../data/if_there.ts";
import type { RunSettings } from "../training/settings.ts";
import { recordNames } from "./grid.ts";

/** Runs without a record of every stage, by the names of the files: none is opened. */
export async function absentRuns(
  out: string,
  runs: readonly RunSettings[],
): Promise<RunSettings[]> {
  const there = new Set(await namesIn(join(out, "runs")));
  return runs.filter((run) => !recordNames(run).every((name) => there.has(`${name}.json`)));
}
