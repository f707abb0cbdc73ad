/**
 * Token F1 and BLEU-1 beside exact match, by condition.
 */
import type { AnswerOverlap } from "../records/record.ts";
import { conditionColumns, intervalColumn, seedCount } from "./condition_columns.ts";
import { type Condition, measure, runsOf } from "./conditions.ts";
import { table } from "./table.ts";

/**
 * The table with what its columns mean; nothing where every answer was one word, so that all three
 * are the same, and where no record says.
 */
export function overlapTable(conditions: readonly Condition[]): string {
  const differs = ({ exactMatch, tokenF1, bleu1 }: AnswerOverlap) =>
    tokenF1 !== exactMatch || bleu1 !== exactMatch;
  if (!runsOf(conditions).some(({ overlap }) => overlap && differs(overlap))) return "";
  const column = (header: string, pick: (overlap: AnswerOverlap) => number) =>
    intervalColumn<Condition>(
      header,
      1,
      (condition) => measure(condition, ({ overlap }) => overlap ? 100 * pick(overlap) : null),
    );
  return [
    "Words that generated answers share with the true ones, in percent: exact match, token F1 (arXiv 1606.05250, " +
    "articles left out) and BLEU-1 (Papineni and others 2002, each answer by itself, with brevity penalty), means " +
    "over the test questions. Where both answers are one word, the three are the same. Mean ± half the " +
    "width of the 95 % interval over seeds.\n",
    table([
      ...conditionColumns(conditions),
      seedCount,
      column("Exact match", ({ exactMatch }) => exactMatch),
      column("Token F1", ({ tokenF1 }) => tokenF1),
      column("BLEU-1", ({ bleu1 }) => bleu1),
    ], conditions),
  ].join("\n");
}
