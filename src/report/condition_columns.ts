/**
 * The columns that name a condition, the same in every table.
 */
import type { Summary } from "../evaluation/intervals.ts";
import type { Condition } from "./conditions.ts";
import { count, meanAndInterval, plain, pointsInterval, signed } from "./number_format.ts";
import type { Column } from "./table.ts";

/** What names a row. */
export type Named = Pick<Condition, "arm" | "lambda" | "stage"> & { role: string; round?: number };

/** Arm, lambda where it is not 0 throughout, and round and stage where there are several. */
export function conditionColumns<Row extends Named>(
  rows: readonly Row[],
): Column<Row>[] {
  const stages = new Set(rows.map(({ stage }) => stage));
  const rounds = new Set(rows.map(({ round = 0 }) => round));
  const isWeighed = rows.some(({ role, lambda }) => role === "arm" && lambda !== 0);
  return [
    { header: "Arm", cell: ({ arm }) => arm },
    {
      header: "λ",
      align: "right",
      cell: ({ role, lambda }) => isWeighed && role === "arm" ? plain(lambda) : null,
    },
    {
      header: "Round",
      align: "right",
      cell: ({ role, round = 0 }) => rounds.size > 1 && role === "arm" ? String(round) : null,
    },
    { header: "Stage", cell: ({ stage }) => stages.size > 1 ? stage : null },
  ];
}

/** How many seeds stand behind a row. */
export const seedCount: Column<Condition> = {
  header: "Seeds",
  align: "right",
  cell: ({ replicates }) => count(replicates.length),
};

/** A column of mean ± half the width of its 95 % interval over seeds. */
export function intervalColumn<Row>(
  header: string,
  decimals: number,
  summary: (row: Row) => Summary | null,
): Column<Row> {
  return {
    header,
    align: "right",
    cell: (row) => {
      const value = summary(row);
      return value && meanAndInterval(value, decimals);
    },
  };
}

/** Columns of a mean in percentage points and its 95 % interval, of shares. */
export function pointsColumns<Row>(
  header: string,
  summary: (row: Row) => Summary | null,
): Column<Row>[] {
  return [
    {
      header,
      align: "right",
      cell: (row) => {
        const value = summary(row);
        return value && signed(100 * value.mean, 2);
      },
    },
    {
      header: "95 % interval",
      align: "right",
      cell: (row) => {
        const value = summary(row);
        return value && pointsInterval(value.interval);
      },
    },
  ];
}

/** Shares as percentages. */
export function inPercent(summary: Summary | null): Summary | null {
  return summary && {
    ...summary,
    mean: 100 * summary.mean,
    sd: summary.sd === null ? null : 100 * summary.sd,
    interval: summary.interval && {
      low: 100 * summary.interval.low,
      high: 100 * summary.interval.high,
    },
  };
}
