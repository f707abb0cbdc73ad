/**
 * What a report is written as besides Markdown, by the option that asks for it.
 */
import type { RunRecord, StudyRecord } from "../records/record.ts";
import { accuracyLatex } from "./accuracy_latex.ts";
import { renderPage } from "./page.ts";
import type { Report } from "./report.ts";
import { resultsCsv } from "./results_csv.ts";

/** What an export is made of. */
export interface ExportSource {
  study: StudyRecord;
  runs: readonly RunRecord[];
  report: Report;
}

/** One file beside `REPORT.md`. */
export interface Export {
  file: string;
  /** For the help of the option. */
  description: string;
  render(source: ExportSource): string;
}

/** Every {@linkcode Export} by its option. */
export const EXPORTS = {
  csv: {
    file: "results.csv",
    description: "also write results.csv, a row a run",
    render: ({ runs }) => resultsCsv(runs),
  },
  html: {
    file: "report.html",
    description: "also write the report as one page, report.html",
    render: ({ report }) => renderPage(report),
  },
  latex: {
    file: "accuracy.tex",
    description: "also write the table of accuracy for LaTeX, accuracy.tex",
    render: ({ study, runs }) => accuracyLatex(study, runs),
  },
} as const satisfies Record<string, Export>;

/** Name of an {@linkcode Export}. */
export type ExportName = keyof typeof EXPORTS;
