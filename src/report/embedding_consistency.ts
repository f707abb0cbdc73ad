/**
 * What P1 does to image tokens: their shape before and behind it, how much of it stays, and how near
 * to the text embeddings it takes them.
 */
import type { EmbeddingGeometry, MatrixGeometry } from "../records/record.ts";
import { conditionColumns, intervalColumn, seedCount } from "./condition_columns.ts";
import { geometriesOf } from "./condition_points.ts";
import { type Condition, measure } from "./conditions.ts";
import { cosineHistogram } from "./cosine_histogram.ts";
import type { Figure } from "./figures.ts";
import { count, fixed, inWords, meanAndInterval, plain } from "./number_format.ts";
import { spectrumChart } from "./spectrum_chart.ts";
import { type Column, table } from "./table.ts";
import { tokenMap } from "./token_map.ts";

/** A part of the report with its figures. */
export interface ConsistencyPart {
  /** Without its heading; empty where no record has the numbers. */
  markdown: string;
  figures: Figure[];
}

/** The tables and figures; nothing where no record has the numbers. */
export function embeddingConsistency(all: readonly Condition[]): ConsistencyPart {
  const conditions = all.filter((condition) => geometriesOf(condition).length > 0);
  if (conditions.length === 0) return { markdown: "", figures: [] };
  const everyStage = all.filter(({ role }) => role === "arm");
  const arms = lastStages(everyStage);
  const figures = [
    cosineHistogram(arms),
    spectrumChart(arms),
    ...arms.map((arm, hue) => strongest(arms, arm) ? tokenMap(arm, hue) : null),
  ].filter((figure) => figure !== null);
  return {
    markdown: [
      shapeText(conditions),
      shapeTable(conditions),
      keptText(conditions),
      keptTable(conditions),
      figureText(arms.length < everyStage.length),
      ...figures.map(({ file, title }) => `![${title}](figures/${file})\n`),
    ].join("\n"),
    figures,
  };
}

/** Statistics of X and of Z, one beside the other. */
export function shapeTable(conditions: readonly Condition[]): string {
  const column = (
    header: string,
    decimals: number,
    pick: (statistics: MatrixGeometry) => number,
  ): Column<Condition> => ({
    header,
    align: "right",
    cell: (condition) => {
      const before = measure(condition, ({ geometry }) => geometry ? pick(geometry.X) : null);
      const behind = measure(condition, ({ geometry }) => geometry ? pick(geometry.Z) : null);
      if (before === null || behind === null) return null;
      return `${fixed(before.mean, decimals)} → ${meanAndInterval(behind, decimals)}`;
    },
  });
  return table([
    ...conditionColumns(conditions),
    seedCount,
    column("Average cosine", 3, ({ averageCosine }) => averageCosine),
    column("Effective rank", 2, ({ effectiveRank }) => effectiveRank),
    column("centred", 2, ({ effectiveRankCentred }) => effectiveRankCentred),
    column("Participation ratio", 2, ({ participationRatio }) => participationRatio),
    column("IsoScore", 3, ({ isoScore }) => isoScore),
    column("Collapse gauge", 3, ({ collapseGauge }) => collapseGauge),
    column("Uniformity", 3, ({ uniformity }) => uniformity),
  ], conditions);
}

/** What of X stays in Z, and how Z lies to T. */
export function keptTable(conditions: readonly Condition[]): string {
  const column = (
    header: string,
    decimals: number,
    pick: (geometry: EmbeddingGeometry) => number | null | undefined,
  ) =>
    intervalColumn<Condition>(
      header,
      decimals,
      (condition) => measure(condition, ({ geometry }) => (geometry && pick(geometry)) ?? null),
    );
  return table([
    ...conditionColumns(conditions),
    seedCount,
    column("Linear CKA", 3, ({ pairs }) => pairs.linearCka),
    column("KNOR@5", 3, ({ pairs }) => pairs.neighbourOverlap5),
    column("KNOR@10", 3, ({ pairs }) => pairs.neighbourOverlap10),
    column("Ridge R²", 3, ({ pairs }) => pairs.ridgeR2.uniform),
    column("weighted", 3, ({ pairs }) => pairs.ridgeR2.varianceWeighted),
    column("Modality gap", 3, ({ pairs }) => pairs.modalityGap),
    column("Norm ratio", 2, ({ pairs }) => pairs.normRatio),
    column("Average cosine of text", 3, ({ T }) => T.averageCosine),
    column("Effective rank of text", 2, ({ T }) => T.effectiveRank),
  ], conditions);
}

function shapeText(conditions: readonly Condition[]): string {
  const tokens = sizes(conditions, ({ X }) => X.rows);
  const widthX = sizes(conditions, ({ X }) => X.width);
  const widthZ = sizes(conditions, ({ Z }) => Z.width);
  return `Of ${tokens} image tokens of held-out pictures, before P1 (X, width ${widthX}) → behind it (Z = P1(X), ` +
    `width ${widthZ}); mean over seeds ± half the width of the 95 % interval. IsoScore is (participation ratio − 1) / (width − 1) ` +
    "(arXiv 2108.07344). The collapse gauge is the mean standard deviation of the columns of the unit rows, times " +
    "√width: near 1 where directions fill the space, 0 where they are one (arXiv 2011.10566). Uniformity is the " +
    "logarithm of the mean of exp(−2 squared distance) over pairs of unit rows: 0 in a complete collapse " +
    "(arXiv 2005.10242).\n";
}

function keptText(conditions: readonly Condition[]): string {
  const sampled = [
    ...new Set(conditions.flatMap(geometriesOf).map(({ sampled }) => sampled.X)),
  ].filter((rows) => rows !== null);
  return "Linear CKA compares the geometry of X and Z (1: the same, arXiv 1905.00414). KNOR@k is the share of a " +
    "token's k nearest neighbours that stay (arXiv 2509.11986); under one constant picture it says nothing. Ridge " +
    `R² tells how well a linear map recovers X from Z: λ = ${
      sizes(conditions, ({ ridge }) => ridge.lambda, plain)
    }, learnt from the first ${
      sizes(conditions, ({ ridge }) => ridge.trainRows)
    } tokens, tested on the rest, as mean over columns and weighted by variance. The modality gap is the distance ` +
    "of the mean unit rows of Z and of the text embeddings T, the norm ratio the median norm of Z over that of T; " +
    `T are the ${
      sizes(conditions, ({ T }) => T.rows)
    } tokens that questions and answers use (arXiv 2203.02053).` +
    (sampled.length > 0
      ? ` Uniformity, KNOR and the histogram of cosines rest on pairs of ${
        inWords(sampled.map(count))
      } tokens, drawn once, with all tokens.`
      : "") +
    "\n";
}

const figureText = (severalStages: boolean) =>
  (severalStages ? "Of every arm its last stage is drawn. " : "") +
  "Lines are means over the runs of an arm, bands reach from the lowest run to the highest. " +
  "On the maps each run has axes of its own.\n";

/** The values that conditions have, each once. */
function sizes(
  conditions: readonly Condition[],
  pick: (geometry: EmbeddingGeometry) => number,
  written = count,
): string {
  return [...new Set(conditions.flatMap(geometriesOf).map(pick))].map(written).join(" or ");
}

/** Of arms that differ in nothing but their stage the last. */
function lastStages(arms: readonly Condition[]): Condition[] {
  const last = new Map(
    arms.map((condition) => {
      const { arm, lambda, round } = condition;
      return [JSON.stringify([arm, lambda, round]), condition];
    }),
  );
  return [...last.values()];
}

/** Whether an arm's condition is the one that a map is drawn of: its last stage and round, its largest lambda. */
function strongest(conditions: readonly Condition[], condition: Condition): boolean {
  return conditions.findLast(({ arm }) => arm === condition.arm) === condition;
}
