/**
 * `plumbline report DIR`: rebuilds a report from its run records.
 */
import { Command } from "@commander-js/extra-typings";
import { join } from "node:path";
import { callerPath } from "./paths.ts";
import { writeReport } from "../report/store.ts";

/** The `report` command. */
export function reportCommand(): Command<[string]> {
  return new Command("report")
    .description(
      "Rebuild REPORT.md, results.json and the figures from the records of a study",
    )
    .argument("<dir>", "folder of the study, with study.json and runs/*.json")
    .action(async (dir) => {
      const { finding } = await writeReport(callerPath(dir));
      console.log(finding);
      console.log(`Report: ${join(dir, "REPORT.md")}`);
    });
}
