/**
 * `plumbline report compare DIR1 DIR2 ...`: conditions of several studies in one table.
 */
import { Command } from "@commander-js/extra-typings";
import { readRecords } from "../records/read_records.ts";
import { compareStudies } from "../report/compare.ts";
import { callerPath } from "./paths.ts";

/** The `report compare` command. */
export function reportCompareCommand() {
  return new Command("compare")
    .description("Print the conditions of several studies against the first one's baseline")
    .argument("<dir>", "folder of the study whose baseline is compared with")
    .argument("<others...>", "folders of other studies")
    .option("--force", "compare studies of different data too")
    .action(async (dir, others, options) => {
      const studies = [];
      for (const name of [dir, ...others]) {
        studies.push({ name, ...await readRecords(callerPath(name)) });
      }
      console.log(compareStudies(studies, options).trimEnd());
    });
}
