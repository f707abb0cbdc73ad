/** Durations and sizes for people. */

/** A duration for people: seconds, minutes, or hours and minutes. */
export function duration(seconds: number): string {
  if (Math.round(seconds) < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes in megabytes (10^6). */
export function megabytes(bytes: number, decimals = 0): string {
  return `${(bytes / 1e6).toFixed(decimals)} MB`;
}
