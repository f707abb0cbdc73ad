/**
 * The claims that a study fixed before it ran, each with the difference, interval and verdict.
 */
import { claimVerdict } from "../evaluation/claims.ts";
import {
  type Interval,
  SEEDS_FOR_A_VERDICT,
  SIGNIFICANCE_LEVEL,
  type Summary,
} from "../evaluation/intervals.ts";
import type { RunRecord, StudyRecord } from "../study/record.ts";
import { analysisOf, type Claim } from "./analysis.ts";
import { conditionColumns, type Named } from "./condition_columns.ts";
import {
  type Condition,
  differenceToBaseline,
  meanOverFolds,
  type Replicate,
} from "./conditions.ts";
import { DETECTABLE, detectableEffects } from "./detectable.ts";
import { mainConditions } from "./family.ts";
import { fixed, plain, signed } from "./number_format.ts";
import { table } from "./table.ts";

/** A claim about one condition. */
interface ClaimRow extends Named {
  claim: Claim;
  difference: Summary | null;
  /** What the interval may miss: 0.05 over the number of lambdas that the arm's was chosen from. */
  alpha: number;
}

/** Accuracy is a share in the records and is reported in points; the rest stays in its own unit. */
const unitOf = ({ statistic }: Claim) =>
  statistic === "accuracy" ? { factor: 100, decimals: 2 } : { factor: 1, decimals: 3 };

/** The table with how its verdicts come about; empty where the study claims nothing. */
export function claimsTable(study: StudyRecord, conditions: readonly Condition[]): string {
  const claims = analysisOf(study)?.claims ?? [];
  const rows = claims.flatMap((claim) => claimRows(claim, study, conditions));
  if (rows.length === 0) return "";
  return [
    "Claims that the study fixed before it ran, about the paired differences to the baseline over seeds; accuracy " +
    "in points, other statistics in their own unit. A claim of higher or lower is supported where the 95 % interval " +
    "lies wholly beyond the margin, one of unchanged where it lies wholly within it on both sides (equivalence); it " +
    "is not supported where the interval lies wholly outside the claimed region. With the margin inside the " +
    `interval, or fewer than ${SEEDS_FOR_A_VERDICT} seeds, we cannot tell at this size. Each claim is judged by ` +
    "itself: the intervals are not adjusted for their number. Detectable is how far from the margin the true " +
    "difference must be to be told from it with 80 % and 90 % power." +
    (rows.some(({ alpha }) => alpha < SIGNIFICANCE_LEVEL)
      ? " Where λ was chosen among several, the interval is widened for their number (Bonferroni).\n"
      : "\n"),
    table([
      { header: "Claim", cell: ({ claim }) => claim.claim },
      ...conditionColumns(rows),
      { header: "Statistic", cell: ({ claim }) => inWords(claim.statistic) },
      { header: "Claimed", cell: ({ claim }) => claimed(claim) },
      {
        header: "Difference",
        align: "right",
        cell: ({ claim, difference }) => difference && inUnit(claim, difference.mean),
      },
      {
        header: "95 % interval",
        align: "right",
        cell: (row) => row.difference?.interval ? intervalText(row, row.difference.interval) : null,
      },
      {
        header: DETECTABLE,
        align: "right",
        cell: ({ claim, difference, alpha }) => {
          const { factor, decimals } = unitOf(claim);
          return detectableEffects(difference, alpha, factor, decimals);
        },
      },
      {
        header: "Verdict",
        cell: ({ claim, difference }) =>
          difference ? verdictOf(claim, difference) : "no run to compare",
      },
    ], rows),
  ].join("\n");
}

/** One row a stage; a claim about an arm without runs still has its row. */
function claimRows(
  claim: Claim,
  study: StudyRecord,
  conditions: readonly Condition[],
): ClaimRow[] {
  const found = mainConditions(study, conditions, claim.arm);
  const rows = found.flatMap(({ condition, tried }): ClaimRow[] => {
    if (condition === null) return [];
    const alpha = SIGNIFICANCE_LEVEL / tried;
    const pick = (replicate: Replicate) => statisticOf(claim, replicate);
    const difference = differenceToBaseline(condition, conditions, pick, 1 - alpha);
    return [{ ...condition, claim, difference, alpha }];
  });
  if (rows.length > 0) return rows;
  const alpha = SIGNIFICANCE_LEVEL;
  return [{ claim, role: "", arm: claim.arm, lambda: 0, stage: "", difference: null, alpha }];
}

/** The claim's statistic at one seed; null where the records do not have it. */
function statisticOf({ statistic }: Claim, replicate: Replicate): number | null {
  if (statistic === "accuracy") return replicate.accuracy.overall;
  return meanOverFolds(replicate, ({ embedding }: RunRecord) => {
    const value: unknown = Object.hasOwn(embedding, statistic)
      ? embedding[statistic as keyof typeof embedding]
      : null;
    return typeof value === "number" ? value : null;
  });
}

function verdictOf(claim: Claim, difference: Summary): string {
  const { factor } = unitOf(claim);
  // The margin stands in the reported unit, the difference in that of the records.
  return claimVerdict({ ...claim, margin: claim.margin / factor }, difference);
}

/** `higher by 0.5`, `unchanged within 2`. */
function claimed({ direction, margin }: Claim): string {
  if (direction === "unchanged") return `unchanged within ${plain(margin)}`;
  return margin === 0 ? direction : `${direction} by ${plain(margin)}`;
}

/** Low to high, with the coverage where it is not that of the heading. */
function intervalText({ claim, alpha }: ClaimRow, { low, high }: Interval): string {
  const text = `${inUnit(claim, low)} to ${inUnit(claim, high)}`;
  return alpha === SIGNIFICANCE_LEVEL ? text : `${text} (${fixed(100 * (1 - alpha), 2)} %)`;
}

function inUnit(claim: Claim, value: number): string {
  const { factor, decimals } = unitOf(claim);
  return Number.isFinite(value) ? signed(factor * value, decimals) : fixed(value, decimals);
}

/** `effectiveRankCentred` as `effective rank centred`. */
function inWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
