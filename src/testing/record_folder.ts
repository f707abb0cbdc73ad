/** A study's folder made of records, for tests. */
import { join } from "node:path";
import type { RunRecord, StudyRecord } from "../records/record.ts";
import { inTempFolder } from "./temp_folder.ts";

/** Writes records into a fresh folder, hands it to the test and removes it. */
export async function withRecords(
  study: StudyRecord | string,
  runs: Record<string, RunRecord | string>,
  test: (dir: string) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (dir) => {
    const text = (value: object | string) =>
      typeof value === "string" ? value : JSON.stringify(value);
    await Deno.mkdir(join(dir, "runs"));
    await Deno.writeTextFile(join(dir, "study.json"), text(study));
    for (const [name, run] of Object.entries(runs)) {
      await Deno.writeTextFile(join(dir, "runs", name), text(run));
    }
    await test(dir);
  });
}

/** Runs under names of their places. */
export const named = (runs: RunRecord[]) =>
  Object.fromEntries(runs.map((run, i) => [`${i}.json`, run]));
