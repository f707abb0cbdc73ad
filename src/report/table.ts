/**
 * Markdown tables (GitHub flavour).
 */

/** A column: its header and the cell it makes of a row. */
export interface Column<Row> {
  /** Heading of the column. */
  header: string;
  /** Default: left. Numbers go to the right. */
  align?: "left" | "right";
  /** Text of the cell; null leaves it empty. */
  cell(row: Row): string | null;
  /** Whether the cell of a row is set in bold; no cell is when absent. */
  bold?(row: Row): boolean;
}

/** A column as it is shown: every cell's text, empty where there is none. */
export interface FilledColumn {
  header: string;
  align: "left" | "right";
  cells: string[];
}

/** How a language writes what stands in a table. */
export interface Markup {
  /** Plain text so that it is shown as it is. */
  escape(text: string): string;
  /** Text of the language in bold. */
  bold(text: string): string;
}

/** The columns of a table in a language, without those that are empty in every row. */
export function filledColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { escape, bold }: Markup,
): FilledColumn[] {
  return columns
    .map((column) => ({
      header: escape(column.header),
      align: column.align ?? "left",
      cells: rows.map((row) => {
        const text = escape(column.cell(row) ?? "");
        return text !== "" && column.bold?.(row) ? bold(text) : text;
      }),
    }))
    .filter(({ cells }) => cells.some((text) => text !== ""));
}

const MARKDOWN: Markup = { escape: escapeCell, bold: (text) => `**${text}**` };

/**
 * Renders rows as a Markdown table whose source is aligned too. Columns that are empty in every row
 * are left out; without rows there is no table and the result is empty.
 */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string {
  const filled = filledColumns(columns, rows, MARKDOWN).map((column) => ({
    ...column,
    // No `Math.max` of them all: a call takes only so many arguments.
    width: column.cells.reduce(
      (most, text) => Math.max(most, textWidth(text)),
      Math.max(3, textWidth(column.header)),
    ),
  }));
  if (filled.length === 0) return "";
  const line = (texts: string[]) => `| ${texts.join(" | ")} |\n`;
  const header = filled.map(({ header, align, width }) => pad(header, align, width));
  const rule = filled.map(({ align, width }) =>
    align === "right" ? "-".repeat(width - 1) + ":" : "-".repeat(width)
  );
  const body = rows.map((_, i) =>
    filled.map(({ cells, align, width }) => pad(cells[i], align, width))
  );
  return [header, rule, ...body].map(line).join("");
}

/** A bar would end the cell, a line break the row. */
function escapeCell(text: string): string {
  // Most are numbers, and a study may have very many.
  if (!/[\s|]/.test(text)) return text;
  return text.replace(/\s*\n\s*/g, " ").replaceAll("|", "\\|").trim();
}

/** Code points, which is the width in an editor for the scripts used here. */
function textWidth(text: string): number {
  let width = text.length;
  // A pair of units is one code point.
  for (let i = 0; i < text.length; i++) if (text.codePointAt(i)! > 0xffff) width--;
  return width;
}

function pad(text: string, align: "left" | "right", width: number): string {
  const blanks = " ".repeat(width - textWidth(text));
  return align === "right" ? blanks + text : text + blanks;
}
