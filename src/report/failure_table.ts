/**
 * Runs that were begun and have no record: an arm that diverges is a finding about that arm.
 */
import type { RunFailure } from "../records/record.ts";
import { conditionColumns } from "./condition_columns.ts";
import { sortRuns } from "./conditions.ts";
import { count } from "./number_format.ts";
import { table } from "./table.ts";

const REASONS: Record<RunFailure["reason"], string> = {
  diverged: "a loss or a gradient was no number any more",
  "device lost": "the device was lost, also after going on from the last checkpoint",
};

/** The table; empty where no run failed. */
export function failureTable(failures: readonly RunFailure[]): string {
  if (failures.length === 0) return "";
  const rows = sortRuns(failures);
  return [
    "These runs take no part in any table. Means over the other seeds of their arm are of the runs that did not fail, " +
    "and so look better than the arm is.\n",
    table([
      ...conditionColumns(rows),
      { header: "Seed", align: "right", cell: ({ seed }) => count(seed) },
      {
        header: "Fold",
        align: "right",
        cell: ({ fold }) => rows.some((row) => row.fold > 0) ? count(fold) : null,
      },
      { header: "What happened", cell: ({ reason }) => REASONS[reason] },
      { header: "Step", align: "right", cell: ({ step }) => step === null ? null : count(step) },
    ], rows),
  ].join("\n");
}
