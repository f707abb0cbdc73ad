/**
 * Final losses by condition, and the curves that lead there.
 */
import { conditionColumns, seedCount, spreadColumn } from "./condition_columns.ts";
import { type Condition, measure } from "./conditions.ts";
import type { Figure } from "./figures.ts";
import type { RunRecord } from "../study/record.ts";
import { table } from "./table.ts";

/** The table, then each figure as a relative link. */
export function lossTable(
  conditions: readonly Condition[],
  figures: readonly Figure[],
): string {
  const column = (
    header: string,
    pick: (losses: RunRecord["losses"]) => number | null,
  ) =>
    spreadColumn<Condition>(
      header,
      4,
      (condition) => measure(condition, ({ losses }) => pick(losses)),
    );
  return [
    "Token loss L_TP is the mean cross-entropy of the answer tokens, in nats. Training losses are means over the " +
    "last tenth of the steps; L_cos is before the factor λ. Mean ± standard deviation over seeds.\n",
    table([
      ...conditionColumns(conditions),
      seedCount,
      column("Token loss, training", ({ tokenLoss }) => tokenLoss),
      column("Token loss, test", ({ testTokenLoss }) => testTokenLoss),
      column("L_cos, training", ({ cosineLoss }) => cosineLoss),
    ], conditions),
    ...(figures.length === 0 ? [] : [
      "Lines are means over the runs of an arm, bands reach from the lowest run to the highest.\n",
    ]),
    ...figures.map(({ file, title }) => `![${title}](figures/${file})\n`),
  ].join("\n");
}
