/**
 * LaTeX tables in the style of the package booktabs (Fear, CTAN): three rules, none vertical.
 */
import { type Column, filledColumns, type Markup } from "./table.ts";

const LATEX: Markup = { escape: escapeLatex, bold: (text) => `\\textbf{${text}}` };

/**
 * Renders rows as a `tabular` with booktabs' rules. Columns that are empty in every row are left
 * out; without rows there is no table and the result is empty.
 *
 * @param columns as for a Markdown table; their text is plain, and escaped here
 */
export function booktabs<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const filled = filledColumns(columns, rows, LATEX);
  if (filled.length === 0) return "";
  const line = (texts: string[]) => `${texts.join(" & ")} \\\\\n`;
  return [
    `\\begin{tabular}{${filled.map(({ align }) => align[0]).join("")}}\n`,
    "\\toprule\n",
    line(filled.map(({ header }) => header)),
    "\\midrule\n",
    ...rows.map((_, i) => line(filled.map(({ cells }) => cells[i]))),
    "\\bottomrule\n",
    "\\end{tabular}\n",
  ].join("");
}

/** What LaTeX reads as a command, or what the text fonts lack. */
const ESCAPES: Record<string, string> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  "&": "\\&",
  "%": "\\%",
  "$": "\\$",
  "#": "\\#",
  "_": "\\_",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  // After the end of a row these two begin an option.
  "[": "{[}",
  "*": "{*}",
  "<": "$<$",
  ">": "$>$",
  "|": "$|$",
  "\u2212": "$-$",
  "±": "$\\pm$",
  "→": "$\\to$",
  "λ": "$\\lambda$",
  "²": "$^2$",
};

/** Plain text as LaTeX shows it; a line break becomes a space. */
export function escapeLatex(text: string): string {
  return text.trim().replace(/\s+/g, " ").replace(/./gu, (sign) => ESCAPES[sign] ?? sign);
}
