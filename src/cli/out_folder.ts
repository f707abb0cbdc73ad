/** The folder of records and report: what is there already, and whether it can be written. */
import { basename, join } from "node:path";
import { isThere } from "../data/if_there.ts";
import { readRecords } from "../records/read_records.ts";
import type { RunRecord } from "../records/record.ts";
import type { AblationSetting } from "../study/determinants.ts";
import { finishedRuns } from "../study/finished_runs.ts";
import { checkSettings, SETTINGS } from "../study/frozen_settings.ts";
import { recordNames } from "../study/grid.ts";
import { heldLeases } from "../study/lease.ts";
import { lostTeachers } from "../study/lost_teachers.ts";
import type { RunSettings } from "../training/settings.ts";

/**
 * Makes the folder, or finds the runs that it holds already. Records that are damaged get another
 * name, so that their runs are done again, and so do those of a teacher whose weights are gone;
 * nothing else is changed.
 *
 * @param say is told of a record that gets another name
 * @throws {RangeError} If the folder cannot be written, or holds another study, or was begun with
 * other settings.
 */
export async function openOutFolder(
  out: string,
  setting: AblationSetting,
  say: (line: string) => void,
): Promise<Set<RunSettings>> {
  await makeWritable(out);
  checkSettings(out, setting);
  if (!await holdsRecords(out)) return new Set();
  try {
    const damaged: string[] = [];
    const { study, runs } = await readRecords(out, (path) => {
      damaged.push(path);
    });
    if (study.study !== setting.study.name) {
      throw new RangeError(
        `Cannot resume: folder "${out}" holds study "${study.study}", not "${setting.study.name}"`,
      );
    }
    const finished = finishedRuns(setting, runs);
    const setAside = async (path: string, is: string, ending: string) => {
      const to = `${path}.${ending}`;
      await Deno.rename(path, to);
      say(`Record "${basename(path)}" ${is} and is now "${basename(to)}"; its run is done again`);
    };
    for (const path of damaged) await setAside(path, "is damaged", "damaged");
    for (const teacher of await lostTeachers(out, setting.runs, finished)) {
      for (const name of recordNames(teacher)) {
        await setAside(
          join(out, "runs", `${name}.json`),
          "has lost the weights that teach the next round",
          "weightless",
        );
      }
      finished.delete(teacher);
    }
    return finished;
  } catch (error) {
    throw new RangeError(`${(error as Error).message}; choose another --out or add --fresh`, {
      cause: error,
    });
  }
}

/**
 * Makes sure that all records of a folder were made with the same settings, those too that other
 * processes have left since it was opened.
 *
 * @throws {RangeError} If one was not.
 */
export function checkRecords(setting: AblationSetting, runs: readonly RunRecord[]): void {
  try {
    finishedRuns(setting, runs, "write report");
  } catch (error) {
    throw new RangeError(
      `${(error as Error).message}; move it away, and the same command does its run again`,
      { cause: error },
    );
  }
}

/**
 * Makes the folder if it is not there.
 *
 * @throws {RangeError} If it cannot be written.
 */
export async function makeWritable(out: string): Promise<void> {
  try {
    await Deno.mkdir(join(out, "runs"), { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: join(out, "runs"), suffix: ".tmp" }));
  } catch (error) {
    throw new RangeError(`Cannot write to folder "${out}": ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Makes sure that no living process is at work on a run of the folder.
 *
 * @throws {RangeError} If one is; the message names the run.
 */
export async function assertIdle(out: string): Promise<void> {
  const [held] = await heldLeases(join(out, "leases"));
  if (held) {
    throw new RangeError(
      `Cannot move "${out}" aside: a process is at work on "${
        basename(held, ".json")
      }" in it; stop it first or choose another --out`,
    );
  }
}

/**
 * Moves a folder that holds records, or the kernel plan or the settings that they would be made with,
 * to a name of its own. Nothing is deleted.
 *
 * @returns The new name; null if it holds none of them.
 * @throws {RangeError} If a living process is at work in it.
 */
export async function moveAside(out: string): Promise<string | null> {
  const frozen = await Promise.all(["plan.json", SETTINGS].map((name) => isThere(join(out, name))));
  if (!await holdsRecords(out) && !frozen.includes(true)) return null;
  await assertIdle(out);
  const to = `${out}.${new Date().toISOString().replace(/[:.]/g, "-")}`;
  await Deno.rename(out, to);
  return to;
}

async function holdsRecords(out: string): Promise<boolean> {
  if (await isThere(join(out, "study.json"))) return true;
  // What is no folder holds none.
  const runs = await Array.fromAsync(Deno.readDir(join(out, "runs"))).catch(() => []);
  return runs.some(({ name }) => name.endsWith(".json"));
}
