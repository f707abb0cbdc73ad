/**
 * Every run in one table.
 */
import type { RunRecord } from "../records/record.ts";
import { conditionColumns } from "./condition_columns.ts";
import { count, fixed } from "./number_format.ts";
import { table } from "./table.ts";

/** So many digits of a hash tell the runs of a study apart. */
const HASH_PREFIX = 12;

/** One row a run; equal weights have equal hashes. */
export function runTable(runs: readonly RunRecord[]): string {
  const folds = new Set(runs.map(({ fold }) => fold));
  return table([
    ...conditionColumns(runs),
    { header: "Seed", align: "right", cell: ({ seed }) => String(seed) },
    {
      header: "Fold",
      align: "right",
      cell: ({ fold }) => folds.size > 1 ? String(fold) : null,
    },
    {
      header: "Accuracy, %",
      align: "right",
      cell: ({ accuracy }) => fixed(100 * accuracy.overall, 2),
    },
    {
      header: "Token loss, test",
      align: "right",
      cell: ({ losses }) => fixed(losses.testTokenLoss, 4),
    },
    {
      header: "L_cos, training",
      align: "right",
      cell: ({ losses }) => losses.cosineLoss === null ? null : fixed(losses.cosineLoss, 4),
    },
    {
      header: "Training, s",
      align: "right",
      cell: ({ seconds }) => count(seconds.train),
    },
    {
      header: "Evaluation, s",
      align: "right",
      cell: ({ seconds }) => count(seconds.evaluate),
    },
    {
      header: "Weights, SHA-256",
      cell: ({ weightsSha256 }) => `\`${weightsSha256.slice(0, HASH_PREFIX)}\``,
    },
  ], runs);
}
