/**
 * Columns of the embedding statistics, the same in every table.
 */
import type { Summary } from "../evaluation/intervals.ts";
import type { EmbeddingStatistics, RunRecord } from "../records/record.ts";
import { intervalColumn } from "./condition_columns.ts";
import type { Column } from "./table.ts";

/** Header and decimals of each statistic, in the order of the full table. */
const COLUMNS = {
  averageCosine: ["Average cosine", 3],
  effectiveRank: ["Effective rank", 2],
  effectiveRankCentred: ["centred", 2],
  participationRatio: ["Participation ratio", 2],
  meanNorm: ["Mean norm", 3],
  textMeanNorm: ["Text norm", 3],
  cosineLoss: ["L_cos", 4],
  freshP2Cosine: ["Fresh P2", 3],
} as const satisfies Partial<Record<keyof EmbeddingStatistics, [header: string, decimals: number]>>;

/** A statistic that has a column. */
export type ShownStatistic = keyof typeof COLUMNS;

/** All of them, in order. */
export const SHOWN_STATISTICS = Object.keys(COLUMNS) as ShownStatistic[];

/**
 * The columns of some statistics.
 *
 * @param summary of a row's runs, from each run's measurement
 */
export function embeddingColumns<Row>(
  statistics: readonly ShownStatistic[],
  summary: (row: Row, pick: (run: RunRecord) => number | null) => Summary | null,
): Column<Row>[] {
  return statistics.map((statistic) => {
    const [header, decimals] = COLUMNS[statistic];
    return intervalColumn(
      header,
      decimals,
      (row) => summary(row, ({ embedding }) => embedding[statistic] ?? null),
    );
  });
}
