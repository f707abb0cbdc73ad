/**
 * `plumbline report DIR`: rebuilds a report from its run records, and writes the answers for other
 * programs.
 */
import { Command } from "@commander-js/extra-typings";
import { join } from "node:path";
import { callerPath } from "./paths.ts";
import { writeAnswers, writeReport } from "../report/store.ts";

/** The `report` command. */
export function reportCommand() {
  return new Command("report")
    .description(
      "Rebuild REPORT.md, results.json and the figures from the records of a study",
    )
    .argument("<dir>", "folder of the study, with study.json and runs/*.json")
    .option(
      "--answers",
      "also write every run's answers as official VQA results, answers/*.json",
    )
    .action(async (dir, { answers }) => {
      const { finding } = await writeReport(callerPath(dir));
      console.log(finding);
      console.log(`Report: ${join(dir, "REPORT.md")}`);
      if (!answers) return;
      const files = await writeAnswers(callerPath(dir));
      console.log(`Answers: ${files.length} files in ${join(dir, "answers")}`);
    });
}
