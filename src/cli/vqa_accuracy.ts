/** `vqa-accuracy`: scores answers in the official VQA v2.0 layout as the official script does. */
import { Command, Option } from "@commander-js/extra-typings";
import { VQA_NORMALISATIONS } from "../evaluation/consensus_accuracy.ts";
import { evaluateVqa, type VqaEvaluation } from "../evaluation/vqa_evaluation.ts";
import { scoreVqaFiles } from "../evaluation/vqa_files.ts";
import { fixed } from "../report/number_format.ts";
import { table } from "../report/table.ts";
import { callerPath } from "./paths.ts";

/** The command `vqa-accuracy`. */
export function vqaAccuracyCommand() {
  return new Command("vqa-accuracy")
    .summary("score answers by the official rule of VQA v2.0")
    .description(
      "Scores a results file, [{question_id, answer}], against questions and annotations in the official VQA v2.0 layout.",
    )
    .requiredOption("--questions <file>", "the questions", callerPath)
    .requiredOption("--annotations <file>", "the people's answers to them", callerPath)
    .requiredOption("--results <file>", "the answers to be scored", callerPath)
    .addOption(
      new Option(
        "--normalise <when>",
        "official: answers are normalised only where the people's differ; always: everywhere",
      ).choices(VQA_NORMALISATIONS).default(VQA_NORMALISATIONS[0]),
    )
    .option("--json", "print accuracy and the score of every question as JSON")
    .action(async ({ normalise, json, ...files }) => {
      const evaluation = evaluateVqa(await scoreVqaFiles(files, normalise));
      console.log(json ? JSON.stringify(evaluation, null, 1) : formatEvaluation(evaluation));
    });
}

/** The means as a Markdown table, in percent. */
function formatEvaluation({ accuracy, evalQA }: VqaEvaluation): string {
  const { overall, perAnswerType, perQuestionType } = accuracy;
  const rows: [kind: string, type: string, percent: number][] = [
    ["all", `${Object.keys(evalQA).length} questions`, overall],
    ...Object.entries(perAnswerType).map(rowOf("answer type")),
    ...Object.entries(perQuestionType).map(rowOf("question type")),
  ];
  return table([
    { header: "Questions", cell: ([kind]) => kind },
    { header: "Type", cell: ([, type]) => type },
    { header: "VQA accuracy, %", align: "right", cell: ([, , percent]) => fixed(percent, 2) },
  ], rows).trimEnd();
}

function rowOf(kind: string) {
  return ([type, percent]: [string, number]): [string, string, number] => [kind, type, percent];
}
