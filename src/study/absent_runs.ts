/** What a study's folder lacks of its grid. */
import { join } from "node:path";
import type { RunSettings } from "../training/settings.ts";
import { recordName } from "./grid.ts";

/** Runs without a record of every stage, by the names of the files: none is opened. */
export async function absentRuns(
  out: string,
  runs: readonly RunSettings[],
): Promise<RunSettings[]> {
  const files = await Array.fromAsync(Deno.readDir(join(out, "runs")));
  const there = new Set(files.map(({ name }) => name));
  return runs.filter((run) =>
    !run.stages.every(({ name }) => there.has(`${recordName(run, name, run.stages.length)}.json`))
  );
}
