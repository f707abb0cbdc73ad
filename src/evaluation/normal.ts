/**
 * The standard normal distribution, to float64 precision where simple-statistics looks up a table.
 */

/** Beyond it the tail is below 1e-18, nothing beside 1. */
const TAIL = 9;

/**
 * P(Z <= x), with an absolute error near 1e-16, by the series
 * 1/2 + phi(x) (x + x^3 / 3 + x^5 / (3 5) + ...) (Marsaglia 2004, "Evaluating the Normal
 * Distribution").
 */
export function normalCdf(x: number): number {
  if (Math.abs(x) > TAIL) return x > 0 ? 1 : 0;
  let term = x, sum = x;
  for (let odd = 3; Math.abs(term) > Number.EPSILON * Math.abs(sum) / 4; odd += 2) {
    term *= x * x / odd;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
}
