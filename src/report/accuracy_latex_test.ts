import assert from "node:assert/strict";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import { accuracyLatex } from "./accuracy_latex.ts";

Deno.test("the table of accuracy is a booktabs table, its special characters escaped", () => {
  const runs = [
    exampleRun(),
    exampleRun({ arm: "P2_frozen", lambda: 1, color: 0.93 }),
  ];
  assert.equal(
    accuracyLatex(exampleStudy(), runs),
    "% Needs \\usepackage{booktabs}. VQA accuracy in percent, mean and half the width of its 95 % interval over seeds;\n" +
      "% differences in points.\n" +
      "\\begin{tabular}{lrrrrrrlrrr}\n" +
      "\\toprule\n" +
      "Arm & $\\lambda$ & Seeds & Overall & color & yes/no & Difference to baseline & Verdict & " +
      "Average cosine & Participation ratio & L\\_cos \\\\\n" +
      "\\midrule\n" +
      "baseline & 0 & 1 & 83.3 & 90.0 & 80.0 &  &  & 0.500 & 8.00 &  \\\\\n" +
      "P2\\_frozen & 1 & 1 & 84.3 & 93.0 & 80.0 & +1.00 & cannot tell & 0.500 & 8.00 & 0.1000 \\\\\n" +
      "majority answer &  &  & 41.7 & 25.0 & 50.0 & $-$41.67 &  &  &  &  \\\\\n" +
      "\\bottomrule\n" +
      "\\end{tabular}\n",
  );
});

Deno.test("a study without runs has no table", () => {
  assert.throws(
    () => accuracyLatex(exampleStudy(), []),
    /Cannot report study "example": it has no finished run/,
  );
});
