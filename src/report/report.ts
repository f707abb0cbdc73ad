/**
 * The report of a study: Markdown with SVG figures, from its records alone.
 *
 * Pure: no file, no network, no clock, no locale. The same records give the same bytes.
 */
import type { RunFailure, RunRecord, StudyRecord } from "../records/record.ts";
import { accuracyTable } from "./accuracy_table.ts";
import type { ChartValue } from "./chart_frame.ts";
import { claimsTable } from "./claims_table.ts";
import { groupRuns, runsOf } from "./conditions.ts";
import { embeddingConsistency } from "./embedding_consistency.ts";
import { embeddingTable } from "./embedding_table.ts";
import type { ReportPart } from "./example_answers.ts";
import { failureTable } from "./failure_table.ts";
import { familyOf } from "./family.ts";
import { drawFigures } from "./figures.ts";
import { finding } from "./finding.ts";
import { lambdaChoiceTable } from "./lambda_choice_table.ts";
import { lossTable } from "./loss_table.ts";
import { duration } from "./number_format.ts";
import { overlapTable } from "./overlap_table.ts";
import { presenceTable } from "./presence_table.ts";
import { questionGroupsTable } from "./question_groups_table.ts";
import { runTable } from "./run_table.ts";
import { secondaryTable } from "./secondary_table.ts";
import { sweepCharts } from "./sweep_chart.ts";
import { sweepTable } from "./sweep_table.ts";
import { sweepsOf } from "./sweeps.ts";
import { teacherTable } from "./teacher_table.ts";
import { missingRuns, whatRan } from "./what_ran.ts";

/** A rendered report. */
export interface Report {
  /** What the records show, in one or two sentences; the report opens with them. */
  finding: string;
  /** Text of `REPORT.md`. */
  markdown: string;
  /** SVG text by file name, for the folder `figures` beside it. */
  figures: Record<string, string>;
  /** What is said of the points of a figure, by its file name, in pixels of the SVG. */
  values: Record<string, ChartValue[]>;
}

/**
 * Renders the report of a study.
 *
 * @param study the study's record
 * @param runs its finished runs, in any order
 * @param examples pictures with answers, as of `exampleAnswers`; none when absent
 * @param failures runs that have no record because they failed
 * @throws {RangeError} when there is no run
 *
 * @example
 * ```ts
 * import { exampleRuns, exampleStudy } from "../records/example_records.ts";
 * import { renderReport } from "./report.ts";
 * import assert from "node:assert/strict";
 *
 * // Made-up records; real ones stand in a study's folder as `study.json` and `runs/*.json`.
 * const { finding, markdown, figures } = renderReport(exampleStudy(), exampleRuns([1, 2, 3, 4, 5]));
 * assert.ok(markdown.startsWith("# Does the example help?"));
 * assert.ok(markdown.includes(finding));
 * assert.ok(Object.keys(figures).every((file) => file.endsWith(".svg")));
 * ```
 */
export function renderReport(
  study: StudyRecord,
  runs: readonly RunRecord[],
  examples: ReportPart = { markdown: "", figures: {} },
  failures: readonly RunFailure[] = [],
): Report {
  if (runs.length === 0) {
    throw new RangeError(
      `Cannot report study "${study.study}": it has no finished run`,
    );
  }
  const conditions = groupRuns(runs);
  const curves = drawFigures(conditions);
  const consistency = embeddingConsistency(conditions);
  const sweeps = sweepsOf(conditions);
  const overLambda = sweepCharts(sweeps);
  const figures = [...curves, ...overLambda, ...consistency.figures];
  const family = familyOf(study, conditions);
  const opening = finding(conditions, study.majority, family, sweeps);
  const blocks = [
    `# ${study.title}`,
    opening,
    missingRuns(study, conditions),
    `*The question:* ${study.question}`,
    "## VQA accuracy",
    accuracyTable(study.majority, conditions, family),
    questionGroupsTable(study, conditions),
    presenceTable(study, conditions),
    overlapTable(conditions),
    teacherTable(study, conditions),
    lambdaChoiceTable(family?.flatMap(({ choice }) => choice ?? []) ?? [], conditions),
    ...section("## Failed runs", failureTable(failures)),
    ...section("## Claims", claimsTable(study, conditions)),
    "## What ran",
    whatRan(study, conditions),
    ...section("## Accuracy over λ", sweepTable(sweeps, overLambda)),
    ...section("## Secondary statistics", secondaryTable(conditions, family)),
    ...section("## Example answers", examples.markdown),
    "## Embedding statistics",
    embeddingTable(conditions),
    ...section("## Embeddings consistency", consistency.markdown),
    "## Losses",
    lossTable(conditions, curves),
    "## Every run",
    runTable(runsOf(conditions)),
    "## How to reproduce it",
    reproduction(study, runs),
  ];
  return {
    finding: opening,
    markdown: blocks.filter((block) => block !== "").map((block) => block.trimEnd())
      .join("\n\n") + "\n",
    figures: {
      ...Object.fromEntries(figures.map(({ file, svg }) => [file, svg])),
      ...examples.figures,
    },
    values: Object.fromEntries(figures.map(({ file, values }) => [file, values])),
  };
}

/** A section, left out where it would be empty. */
function section(heading: string, text: string): string[] {
  return text === "" ? [] : [heading, text];
}

function reproduction(
  { command, data, encoder }: StudyRecord,
  runs: readonly RunRecord[],
): string {
  const seconds = runs.reduce(
    (sum, { seconds }) => sum + seconds.train + seconds.evaluate,
    0,
  );
  return [
    "```sh",
    command,
    "```",
    "",
    `Training and evaluation took ${
      duration(seconds)
    } in all. The same seed, adapter and operand form give the same ` +
    `weights bit for bit. Data \`${data.contentHash}\`, image encoder \`${encoder.contentHash}\`. Every figure here ` +
    "comes from `study.json` and `runs/*.json` beside this file; `results.json` holds the same numbers.",
  ].join("\n");
}
