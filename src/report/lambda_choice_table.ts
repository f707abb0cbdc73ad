/**
 * Which lambda of each arm was compared, and how all of them did on the validation pictures.
 */
import { type LambdaChoice, type LambdaScore, lastValidation } from "./chosen_lambda.ts";
import { conditionColumns } from "./condition_columns.ts";
import { baselineOf, type Condition } from "./conditions.ts";
import { fixed, plain } from "./number_format.ts";
import { table } from "./table.ts";

/** The table with what it says; empty where no arm had a choice. */
export function lambdaChoiceTable(
  choices: readonly LambdaChoice[],
  conditions: readonly Condition[],
): string {
  if (choices.length === 0) return "";
  const score = ({ lambda, validation }: LambdaScore) =>
    `${plain(lambda)} (${fixed(100 * validation, 2)})`;
  const rows = choices.map(({ chosen, scores }) => {
    const baseline = baselineOf(chosen, conditions);
    return { ...chosen, scores, baseline: baseline ? lastValidation(baseline) : null };
  });
  return [
    "Where an arm has several λ, the one with the best mean validation accuracy over seeds is compared, of equals " +
    "the smaller; at 0 an arm is the baseline and takes no part. The test answers were not looked at for it. But " +
    "its models give the test answers too, and a seed that is lucky on validation is lucky on test: p of a chosen " +
    "λ is multiplied by the number of λ it was chosen from, before Holm. The other λ are the sweep, without verdict.\n",
    table([
      ...conditionColumns(rows),
      {
        header: "Chosen from λ (validation accuracy, %)",
        cell: ({ scores }) => scores.map(score).join(", "),
      },
      {
        header: "Baseline, validation",
        align: "right",
        cell: ({ baseline }) => baseline === null ? null : fixed(100 * baseline, 2),
      },
    ], rows),
  ].join("\n");
}
