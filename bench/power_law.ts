/**
 * How a cost grows with the work: power laws, exponents between neighbours, and the fixed part.
 */
import type { Interval } from "../src/evaluation/intervals.ts";
import { summarise } from "../src/evaluation/intervals.ts";
import { studentTQuantile } from "../src/evaluation/student_t.ts";

/** A cost y at an amount of work x; both positive. */
export interface Point {
  x: number;
  y: number;
}

/** y = constant * x ^ exponent. */
export interface PowerLaw {
  exponent: number;
  constant: number;
  /** Interval of the exponent; null for two points, which leave nothing to estimate it from. */
  interval: Interval | null;
  /** Share of the variance of log y that the line explains; null where y is the same everywhere. */
  r2: number | null;
}

/** Samples of a cost at an amount of work. Sample r of every series was taken in round r. */
export interface Series {
  value: number;
  samples: readonly number[];
}

/** The exponent between two neighbouring amounts of work. */
export interface LocalExponent {
  from: number;
  to: number;
  /** Mean over the rounds. */
  exponent: number;
  /** t interval of that mean, together with its neighbours'; null for a single round. */
  interval: Interval | null;
}

/** Where growth is not linear. Null: no such point. */
export interface LinearRange {
  /** Last of the points, counted from the smallest on, up to which growth is slower than linear. */
  below: number | null;
  /** First point to which growth is faster than linear. */
  above: number | null;
}

/** y = fixed + perUnit * x. */
export interface FixedCost {
  fixed: number;
  perUnit: number;
  /** Interval of the fixed part. */
  interval: Interval;
  /** Work at which the growing part equals the fixed part; 0 where no fixed part was found. */
  half: number;
}

/** Between these two an exponent counts as 1: less is a fixed cost showing, more is lost linearity. */
export const LINEAR_EXPONENTS: Interval = { low: 0.85, high: 1.15 };

/**
 * Least-squares line through (log x, log y), with the t interval of its slope.
 *
 * The interval tells how far the points lie from one power law, be it noise or curvature.
 *
 * @param level coverage of the interval; default 0.95
 * @throws {RangeError} With fewer than two different x, or where x or y is not positive
 */
export function fitPowerLaw(points: readonly Point[], level = 0.95): PowerLaw {
  const wrong = points.find(({ x, y }) => !(x > 0 && y > 0));
  if (wrong) {
    throw new RangeError(`Cannot fit a power law: (${wrong.x}, ${wrong.y}) is not positive`);
  }
  const line = fitLine(points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y), weight: 1 })));
  const df = points.length - 2;
  const constant = points.every(({ y }) => y === points[0].y);
  return {
    exponent: line.slope,
    constant: Math.exp(line.intercept),
    interval: df > 0 ? around(line.slope, line.slopeError, df, level) : null,
    r2: constant ? null : line.r2,
  };
}

/**
 * Exponents log(y2 / y1) / log(x2 / x1) between neighbours, one a round, summarised over the rounds.
 *
 * A round's samples were taken one after the other, so a drift of the machine that is slower than a
 * round cancels in their ratio.
 *
 * @param series by ascending value, with equally many samples each
 * @param level coverage of all intervals together, by Bonferroni's inequality; default 0.95
 * @throws {RangeError} When a value has another number of samples than the one before
 */
export function localExponents(series: readonly Series[], level = 0.95): LocalExponent[] {
  const each = 1 - (1 - level) / (series.length - 1);
  return series.slice(1).map(({ value: to, samples }, i) => {
    const { value: from, samples: before } = series[i];
    if (samples.length !== before.length) {
      throw new RangeError(
        `Cannot compare ${from} and ${to}: they have ${before.length} and ${samples.length} samples`,
      );
    }
    const exponents = samples.map((y, round) => Math.log(y / before[round]) / Math.log(to / from));
    const { mean, interval } = summarise(exponents, each);
    return { from, to, exponent: mean, interval };
  });
}

/**
 * Where growth stops being linear, beyond what the samples' spread could explain.
 *
 * - Growth to a point is slower than linear if the whole interval of the local exponent lies below
 *   {@linkcode LINEAR_EXPONENTS}. `below` is the end of the unbroken row of such points that begins
 *   at the smallest work: up to there a fixed cost dominates.
 * - Growth to a point is faster than linear if the whole interval lies above. `above` is the first
 *   such point, whether or not growth calms down behind it.
 *
 * The intervals hold together, so a series within the limits is called not linear by chance once in
 * twenty times at most. An exponent without an interval (one round) decides nothing.
 */
export function findLinearRange(exponents: readonly LocalExponent[]): LinearRange {
  const slower = ({ interval }: LocalExponent) =>
    interval !== null && interval.high < LINEAR_EXPONENTS.low;
  const faster = ({ interval }: LocalExponent) =>
    interval !== null && interval.low > LINEAR_EXPONENTS.high;
  const end = exponents.findIndex((exponent) => !slower(exponent));
  const leading = end < 0 ? exponents : exponents.slice(0, end);
  return { below: leading.at(-1)?.to ?? null, above: exponents.find(faster)?.to ?? null };
}

/**
 * Least-squares line through (x, y) with errors relative to y, as timing noise is.
 *
 * `half` is Hockney's n_1/2, the work that reaches half of the final rate (Hockney and Jesshope,
 * Parallel Computers 2, 1988).
 *
 * @param points where growth is linear
 * @param level coverage of the interval; default 0.95
 * @returns null with fewer than three points, or where y does not grow
 */
export function fitFixedCost(points: readonly Point[], level = 0.95): FixedCost | null {
  if (points.length < 3) return null;
  const { intercept, interceptError, slope } = fitLine(
    points.map(({ x, y }) => ({ x, y, weight: 1 / y ** 2 })),
  );
  if (!(slope > 0)) return null;
  return {
    fixed: intercept,
    perUnit: slope,
    interval: around(intercept, interceptError, points.length - 2, level),
    half: Math.max(0, intercept) / slope,
  };
}

function around(centre: number, error: number, df: number, level: number): Interval {
  const half = studentTQuantile((1 + level) / 2, df) * error;
  return { low: centre - half, high: centre + half };
}

/** Weighted least squares with the standard errors that the residuals show. */
function fitLine(points: readonly (Point & { weight: number })[]) {
  const sum = (of: (point: Point) => number) =>
    points.reduce((total, { x, y, weight }) => total + weight * of({ x, y }), 0);
  const weight = sum(() => 1);
  const x0 = sum(({ x }) => x) / weight;
  const y0 = sum(({ y }) => y) / weight;
  const sxx = sum(({ x }) => (x - x0) ** 2);
  if (!(sxx > 0)) throw new RangeError("Cannot fit a line: there are no two different x");
  const slope = sum(({ x, y }) => (x - x0) * (y - y0)) / sxx;
  const unexplained = sum(({ x, y }) => (y - y0 - slope * (x - x0)) ** 2);
  const variance = unexplained / (points.length - 2);
  return {
    slope,
    slopeError: Math.sqrt(variance / sxx),
    intercept: y0 - slope * x0,
    interceptError: Math.sqrt(variance * (1 / weight + x0 ** 2 / sxx)),
    r2: 1 - unexplained / sum(({ y }) => (y - y0) ** 2),
  };
}
