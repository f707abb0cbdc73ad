/**
 * Numbers as the report prints them. The text depends on the number alone, never on the locale.
 */

import type { Interval } from "../evaluation/intervals.ts";

/** Shown for a measurement that is NaN or infinite. */
const NOT_FINITE = "not finite";

/** A number with fixed decimals and a real minus sign; zero never has a sign. */
export function fixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return NOT_FINITE;
  const digits = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(digits) !== 0 ? `\u2212${digits}` : digits;
}

/** Like {@linkcode fixed}, with a plus sign for positive numbers. */
export function signed(value: number, decimals: number): string {
  const text = fixed(value, decimals);
  return value > 0 && Number.isFinite(value) && Number(text) !== 0 ? `+${text}` : text;
}

/** A mean and half the width of its interval, `93.1 ± 0.4`; the mean alone where it has none. */
export function meanAndInterval(
  { mean, interval }: { mean: number; interval: Interval | null },
  decimals: number,
): string {
  const centre = fixed(mean, decimals);
  return interval === null || !Number.isFinite(mean)
    ? centre
    : `${centre} ± ${fixed((interval.high - interval.low) / 2, decimals)}`;
}

/** An interval of shares in percentage points, `−0.52 to +1.14`; null where there is none. */
export function pointsInterval(interval: Interval | null): string | null {
  return interval === null
    ? null
    : `${signed(100 * interval.low, 2)} to ${signed(100 * interval.high, 2)}`;
}

/** A whole number with commas between thousands. */
export function count(value: number): string {
  return fixed(value, 0).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A number as it is written in code, with a real minus sign, for settings such as lambda. */
export function plain(value: number): string {
  return Number.isFinite(value) ? String(value).replace("-", "\u2212") : NOT_FINITE;
}

/** A number with four significant digits, without zeros at its end and with a real minus sign. */
export function rounded(value: number): string {
  return plain(Number(value.toPrecision(4)));
}

/** A duration in its two largest units: `42 s`, `5 min 3 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return NOT_FINITE;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A list as people write it: `a`, `a and b`, `a, b and c`. */
export function inWords(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** A p-value with three decimals, with four where three would round it to the level of 0.05. */
export function probability(p: number): string {
  if (p < 0.001) return "< 0.001";
  const text = fixed(p, 3);
  return text === "0.050" ? fixed(p, 4) : text;
}
