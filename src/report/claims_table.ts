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
import { lambdaSlope } from "../evaluation/lambda_slope.ts";
import type { StudyRecord } from "../records/record.ts";
import { analysisOf, type Claim } from "./analysis.ts";
import { type ClaimStatistic, STATISTICS } from "./claim_statistics.ts";
import { conditionColumns, type Named } from "./condition_columns.ts";
import { type Condition, differenceToBaseline, type Replicate } from "./conditions.ts";
import { DETECTABLE, detectableEffects } from "./detectable.ts";
import { mainConditions } from "./family.ts";
import { fixed, plain, signed } from "./number_format.ts";
import { sweepsOf } from "./sweeps.ts";
import { table } from "./table.ts";

/** A claim about one condition. */
interface ClaimRow extends Named {
  claim: Claim;
  difference: Summary | null;
  /** What the interval may miss: 0.05 over the number of lambdas that the arm's was chosen from. */
  alpha: number;
}

/** Older studies may name what is not known any more. */
const statisticOf = ({ statistic }: Claim): ClaimStatistic =>
  Object.hasOwn(STATISTICS, statistic)
    ? STATISTICS[statistic as keyof typeof STATISTICS]
    : { name: statistic, factor: 1, decimals: 3, of: () => null };

/** The table with how its verdicts come about; empty where the study claims nothing. */
export function claimsTable(study: StudyRecord, conditions: readonly Condition[]): string {
  const claims = analysisOf(study)?.claims ?? [];
  const rows = claims.flatMap((claim) => claimRows(claim, study, conditions));
  if (rows.length === 0) return "";
  return [
    "Claims that the study fixed before it ran, about the paired differences to the baseline over seeds, or about " +
    "the slope over λ; accuracy in points, other statistics in their own unit. A claim of higher or lower is " +
    "supported where the 95 % interval lies wholly beyond the margin, one of unchanged where it lies wholly within " +
    "it on both sides (equivalence), one of not lower or not higher where it does not reach beyond the margin on " +
    "that side (non-inferiority); it is not supported where the interval lies wholly outside the claimed region. With the margin inside the " +
    `interval, or fewer than ${SEEDS_FOR_A_VERDICT} seeds, we cannot tell at this size. Each claim is judged by ` +
    "itself: the intervals are not adjusted for their number. Detectable is how far from the margin the true " +
    "difference must be to be told from it with 80 % and 90 % power." +
    (rows.some(({ alpha }) => alpha < SIGNIFICANCE_LEVEL)
      ? " Where λ was chosen among several, the interval is widened for their number (Bonferroni).\n"
      : "\n"),
    table([
      { header: "Claim", cell: ({ claim }) => claim.claim },
      ...conditionColumns(rows),
      { header: "Statistic", cell: ({ claim }) => statisticOf(claim).name },
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
          const { factor, decimals } = statisticOf(claim);
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
  const { of } = statisticOf(claim);
  const rows = of ? comparedRows(claim, of, study, conditions) : slopeRows(claim, conditions);
  if (rows.length > 0) return rows;
  const alpha = SIGNIFICANCE_LEVEL;
  return [{ claim, role: "", arm: claim.arm, lambda: 0, stage: "", difference: null, alpha }];
}

/** Differences to the baseline. */
function comparedRows(
  claim: Claim,
  pick: (replicate: Replicate) => number | null,
  study: StudyRecord,
  conditions: readonly Condition[],
): ClaimRow[] {
  return mainConditions(study, conditions, claim.arm).flatMap(({ condition, tried }) => {
    if (condition === null) return [];
    const alpha = SIGNIFICANCE_LEVEL / tried;
    const difference = differenceToBaseline(condition, conditions, pick, 1 - alpha);
    return [{ ...condition, claim, difference, alpha }];
  });
}

/** Slopes over all lambdas of the arm, so that none was chosen. */
function slopeRows(claim: Claim, conditions: readonly Condition[]): ClaimRow[] {
  return sweepsOf(conditions).filter(({ condition: { arm } }) => arm === claim.arm).map(
    ({ condition, points }) => ({
      ...condition,
      role: "",
      claim,
      difference: lambdaSlope(points).overSeeds,
      alpha: SIGNIFICANCE_LEVEL,
    }),
  );
}

function verdictOf(claim: Claim, difference: Summary): string {
  const { factor } = statisticOf(claim);
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
  const { factor, decimals } = statisticOf(claim);
  return Number.isFinite(value) ? signed(factor * value, decimals) : fixed(value, decimals);
}
