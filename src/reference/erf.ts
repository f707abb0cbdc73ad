/**
 * The error function, to about 1e-14 of its value.
 *
 * Abramowitz and Stegun, Handbook of Mathematical Functions: series 7.1.6 near 0, continued
 * fraction 7.1.14 in the tails.
 */
export function erf(x: number): number {
  return Math.abs(x) < SERIES_END ? erfSeries(x) : Math.sign(x) * (1 - erfcFraction(Math.abs(x)));
}

/** 1 - erf(x), without the cancellation that spoils it for large x. */
export function erfc(x: number): number {
  if (Math.abs(x) < SERIES_END) return 1 - erfSeries(x);
  return x > 0 ? erfcFraction(x) : 2 - erfcFraction(-x);
}

/** Beyond it the fraction converges quickly, before it 1 - erf keeps its digits. */
const SERIES_END = 1.5;

/** erf(x) = 2/sqrt(pi) exp(-x^2) sum over n of 2^n x^(2n+1) / (1 3 5 ... (2n+1)). */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Number.EPSILON * Math.abs(sum) / 4; n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}

/** sqrt(pi) exp(x^2) erfc(x) = 1 / (x + (1/2) / (x + (2/2) / (x + (3/2) / ...))), from its far end. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = 200; n >= 1; n--) tail = x + (n / 2) / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}
