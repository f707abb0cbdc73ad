/**
 * Student's t distribution for whole degrees of freedom, which is all that paired comparisons need.
 */

/**
 * P(T <= t) with `df` degrees of freedom, by the finite sums for whole df (Abramowitz and Stegun,
 * Handbook of Mathematical Functions, 26.7.3 and 26.7.4).
 *
 * @throws {RangeError} when df is not a positive whole number
 */
export function studentTCdf(t: number, df: number): number {
  if (!Number.isInteger(df) || df < 1) {
    throw new RangeError(
      `Cannot evaluate Student's t: degrees of freedom must be a positive whole number, got ${df}`,
    );
  }
  return (1 + Math.sign(t) * centralProbability(Math.abs(t), df)) / 2;
}

/** P(|T| < t) for t >= 0. */
function centralProbability(t: number, df: number): number {
  const angle = Math.atan(t / Math.sqrt(df));
  const sine = Math.sin(angle), cosine = Math.cos(angle);
  const odd = df % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = df === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < df; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/**
 * The t with P(T <= t) = probability, by bisection down to neighbouring floats.
 *
 * @throws {RangeError} when probability is not between 0 and 1, or df is not a positive whole number
 */
export function studentTQuantile(probability: number, df: number): number {
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(
      `Cannot find a quantile: the probability must lie between 0 and 1, got ${probability}`,
    );
  }
  let high = 1;
  while (studentTCdf(high, df) < probability) high *= 2;
  let low = -1;
  while (studentTCdf(low, df) > probability) low *= 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (studentTCdf(middle, df) < probability) low = middle;
    else high = middle;
  }
}
