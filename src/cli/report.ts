/**
 * `plumbline report DIR`: rebuilds a report from its run records, and writes it and the answers for
 * other programs.
 */
import { Command } from "@commander-js/extra-typings";
import { join } from "node:path";
import { type ExportName, EXPORTS } from "../report/exports.ts";
import { writeAnswers, writeReport } from "../report/write_report.ts";
import { callerPath } from "./paths.ts";
import { reportCompareCommand } from "./report_compare.ts";

const EXPORT_NAMES = Object.keys(EXPORTS) as ExportName[];

/** The `report` command. */
export function reportCommand() {
  const command = new Command("report")
    .description(
      "Rebuild REPORT.md, results.json and the figures from the records of a study",
    )
    .argument("<dir>", "folder of the study, with study.json and runs/*.json")
    .option(
      "--answers",
      "also write every run's answers as official VQA results, answers/*.json",
    )
    .option("--csv", EXPORTS.csv.description)
    .option("--html", EXPORTS.html.description)
    .option("--latex", EXPORTS.latex.description)
    .action(async (dir, { answers, ...asked }) => {
      const exported = EXPORT_NAMES.filter((name) => asked[name]);
      const { finding } = await writeReport(callerPath(dir), exported);
      console.log(finding);
      console.log(`Report: ${join(dir, "REPORT.md")}`);
      for (const name of exported) console.log(`Export: ${join(dir, EXPORTS[name].file)}`);
      if (!answers) return;
      const files = await writeAnswers(callerPath(dir));
      console.log(`Answers: ${files.length} files in ${join(dir, "answers")}`);
    });
  // So that `compare` does not pass over what is an option of `report`.
  command.enablePositionalOptions().addCommand(reportCompareCommand());
  return command;
}
