/**
 * Comma-separated values (RFC 4180, but for lines that end in a line feed alone).
 */

/** What a cell may hold; null and undefined leave it empty. */
export type CsvValue = string | number | boolean | null | undefined;

/**
 * One line a row below the header. Numbers stand with all their digits, those that are not finite as
 * `NaN` or `Infinity`.
 */
export function csv(
  header: readonly string[],
  rows: readonly (readonly CsvValue[])[],
): string {
  return [header, ...rows].map((cells) => cells.map(csvCell).join(",") + "\n").join("");
}

/** A cell, quoted where a comma, a quotation mark, a line break or a blank end would be misread. */
function csvCell(value: CsvValue): string {
  const text = String(value ?? "");
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
