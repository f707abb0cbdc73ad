/**
 * `accuracy.tex`: the report's table of VQA accuracy for a paper.
 */
import type { RunRecord, StudyRecord } from "../records/record.ts";
import { accuracyTabular } from "./accuracy_table.ts";
import { groupRuns } from "./conditions.ts";
import { familyOf } from "./family.ts";

/**
 * The table as a LaTeX `tabular`, to be taken in with `\input`. Accuracies and differences are in
 * percent and percentage points, mean ± half the width of the 95 % t interval over seeds.
 *
 * @param study the study's record
 * @param runs its finished runs, in any order
 * @throws {RangeError} when there is no run
 *
 * @example
 * ```ts
 * import { exampleRuns, exampleStudy } from "../records/example_records.ts";
 * import { accuracyLatex } from "./accuracy_latex.ts";
 * import assert from "node:assert/strict";
 *
 * const latex = accuracyLatex(exampleStudy(), exampleRuns([1, 2]));
 * assert.match(latex, /^baseline & 0 & 2 & 83\.5 \$\\pm\$ 2\.1 & /m);
 * ```
 */
export function accuracyLatex(study: StudyRecord, runs: readonly RunRecord[]): string {
  if (runs.length === 0) {
    throw new RangeError(`Cannot report study "${study.study}": it has no finished run`);
  }
  const conditions = groupRuns(runs);
  return "% Needs \\usepackage{booktabs}. VQA accuracy in percent, mean and half the width of its 95 % interval over seeds;\n" +
    "% differences in points.\n" +
    accuracyTabular(study.majority, conditions, familyOf(study, conditions));
}
