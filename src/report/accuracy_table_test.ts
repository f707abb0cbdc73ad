import assert from "node:assert/strict";
import {
  exampleAccuracy,
  exampleRun,
  exampleRuns,
  exampleStudy,
} from "../records/example_records.ts";
import { accuracyTable } from "./accuracy_table.ts";
import { groupRuns } from "./conditions.ts";
import { detectableEffects } from "./detectable.ts";
import { familyOf } from "./family.ts";

const majority = exampleAccuracy(0.25, 0.5);
const linesOf = (runs: Parameters<typeof groupRuns>[0]) =>
  accuracyTable(majority, groupRuns(runs), null).split("\n").filter((line) => line.startsWith("|"));

/** The lines without the columns of the embeddings, which have a test of their own. */
const tableOf = (runs: Parameters<typeof groupRuns>[0]) => {
  const lines = linesOf(runs);
  const end = lines[0].indexOf("| Average cosine") + 1;
  return lines.map((line) => line.slice(0, end));
};

Deno.test("arms stand beside the controls, with spread, difference, interval and verdict", () => {
  assert.deepEqual(tableOf(exampleRuns([1, 2, 3, 4, 5])), [
    "| Arm               |   λ | Seeds |        Overall |      color |     yes/no | Difference to baseline |    95 % interval | Detectable, 80 % / 90 % | Verdict     |",
    "| ----------------- | --: | ----: | -------------: | ---------: | ---------: | ---------------------: | ---------------: | ----------------------: | ----------- |",
    "| baseline          |   0 |     5 |     83.5 ± 0.2 | 90.6 ± 0.7 | 80.0 ± 0.0 |                        |                  |                         |             |",
    "| cosine-constraint |   1 |     5 | **84.7 ± 0.2** | 94.0 ± 0.6 | 80.0 ± 0.0 |                  +1.12 |   +1.02 to +1.22 |             0.14 / 0.16 | higher      |",
    "| self-distillation |   1 |     5 |     83.7 ± 1.6 | 91.2 ± 4.8 | 80.0 ± 0.0 |                  +0.20 |   −1.16 to +1.56 |             1.84 / 2.15 | cannot tell |",
    "| question-only     |     |     5 |     43.3 ± 0.0 | 30.0 ± 0.0 | 50.0 ± 0.0 |                 −40.20 | −40.43 to −39.97 |                         |             |",
    "| majority answer   |     |       |           41.7 |       25.0 |       50.0 |                 −41.87 | −42.09 to −41.64 |                         |             |",
  ]);
});

Deno.test("the embeddings of an arm stand beside its accuracy", () => {
  const runs = [exampleRun(), exampleRun({ arm: "cosine-constraint", lambda: 1 })];
  const cells = linesOf(runs).map((line) =>
    line.split("|").map((cell) => cell.trim()).slice(-4, -1)
  );
  assert.deepEqual(cells.toSpliced(1, 1), [
    ["Average cosine", "Participation ratio", "L_cos"],
    ["0.500", "8.00", ""],
    ["0.500", "8.00", "0.1000"],
    ["", "", ""],
  ]);
});

Deno.test("the legend says what bold is where something is bold", () => {
  const text = (seeds: number[]) => accuracyTable(majority, groupRuns(exampleRuns(seeds)), null);
  const legend = "Bold: the best of its stage, where the verdicts tell it from the baseline.";
  assert.ok(text([1, 2, 3, 4, 5]).includes(legend));
  assert.ok(!text([1, 2, 3]).includes(legend));
});

Deno.test("with a family its members have an adjusted p and a verdict, and other rows have neither", () => {
  const study = exampleStudy({ config: { analysis: { family: ["cosine-constraint"] } } });
  const conditions = groupRuns(exampleRuns([1, 2, 3, 4, 5]));
  const text = accuracyTable(majority, conditions, familyOf(study, conditions));
  const cells = text.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()).slice(1, -1));
  const first = cells[0].indexOf("p, Holm");
  const verdicts = cells.map(([arm, ...rest]) => [arm, ...rest.slice(first - 1, first + 2)]);
  assert.deepEqual(verdicts[0].slice(1), ["p, Holm", "Detectable, 80 % / 90 %", "Verdict"]);
  assert.deepEqual(verdicts.slice(2), [
    ["baseline", "", "", ""],
    ["cosine-constraint", "< 0.001", "0.14 / 0.16", "higher"],
    ["self-distillation", "", "", ""],
    ["question-only", "", "", ""],
    ["majority answer", "", "", ""],
  ]);
  assert.match(text, /Verdicts are of the one comparison that the study fixed before it ran\./);
});

const CONTROL_LEGENDS = {
  "question-only": "The question-only control is trained and tested with one constant picture.",
  "random-encoder": "The random-encoder control looks through the same tower with random weights.",
  "random-llm": "The random-llm control speaks through the same decoder with random weights.",
};

Deno.test("controls stand below the arms in one order, each with a line that says what it is", () => {
  const roles = ["random-llm", "random-encoder", "question-only"] as const;
  const runs = [
    ...roles.map((role) => exampleRun({ role, arm: role, color: 0.3, yesNo: 0.5 })),
    exampleRun({ arm: "a", lambda: 1 }),
    exampleRun(),
  ];
  const rows = tableOf(runs).slice(2).map((row) => row.split("|").map((cell) => cell.trim()));
  assert.deepEqual(
    rows.map(([, arm, lambda, , , , , , verdict]) => [arm, lambda, verdict]),
    [
      ["baseline", "0", ""],
      ["a", "1", "cannot tell"],
      ["question-only", "", ""],
      ["random-encoder", "", ""],
      ["random-llm", "", ""],
      ["majority answer", "", ""],
    ],
  );
  const legendOf = (of: typeof runs) => accuracyTable(majority, groupRuns(of), null).split("\n")[0];
  assert.ok(
    legendOf(runs).includes(
      ` ${Object.values(CONTROL_LEGENDS).join(" ")} ` +
        "The majority answer is the commonest training answer to the same question text. ",
    ),
    legendOf(runs),
  );
  for (const role of roles) {
    const text = legendOf([exampleRun(), exampleRun({ role, arm: role })]);
    for (const [control, line] of Object.entries(CONTROL_LEGENDS)) {
      assert.equal(text.includes(line), control === role, `${control} beside ${role}`);
    }
  }
});

Deno.test("one seed leaves out spread and interval, and says so", () => {
  assert.deepEqual(tableOf([exampleRun(), exampleRun({ arm: "a", lambda: 0.5, color: 0.93 })]), [
    "| Arm             |   λ | Seeds | Overall | color | yes/no | Difference to baseline | Verdict     |",
    "| --------------- | --: | ----: | ------: | ----: | -----: | ---------------------: | ----------- |",
    "| baseline        |   0 |     1 |    83.3 |  90.0 |   80.0 |                        |             |",
    "| a               | 0.5 |     1 |    84.3 |  93.0 |   80.0 |                  +1.00 | cannot tell |",
    "| majority answer |     |       |    41.7 |  25.0 |   50.0 |                 −41.67 |             |",
  ]);
  const text = accuracyTable(majority, groupRuns([exampleRun()]), null);
  assert.match(text, /There is one seed only: no spread and no interval can be given\./);
  assert.doesNotMatch(text, /question-only/);
});

Deno.test("without a baseline there is no difference and no verdict", () => {
  assert.deepEqual(tableOf([exampleRun({ arm: "a", lambda: 1 })]), [
    "| Arm             |   λ | Seeds | Overall | color | yes/no |",
    "| --------------- | --: | ----: | ------: | ----: | -----: |",
    "| a               |   1 |     1 |    83.3 |  90.0 |   80.0 |",
    "| majority answer |     |       |    41.7 |  25.0 |   50.0 |",
  ]);
});

Deno.test("stages have a column where there are several", () => {
  const rows = tableOf([exampleRun(), exampleRun({ stage: "projector" })]);
  assert.equal(rows[0].split("|")[2].trim(), "Stage");
  assert.deepEqual(rows.slice(2, 4).map((row) => row.split("|")[2].trim()), ["joint", "projector"]);
});

Deno.test("a baseline at its ceiling is noted by question type", () => {
  const text = (color: number) =>
    accuracyTable(majority, groupRuns([exampleRun({ color, yesNo: 0.8 })]), null);
  assert.match(text(0.984), /\*\*At ceiling:\*\* baseline exceeds 97 % on color \(98\.4 %\), /);
  assert.doesNotMatch(text(0.97), /ceiling/);
});

Deno.test("what a percentage is depends on whether several people have answered each question", () => {
  const answer = { id: "1", answer: "red", correct: true };
  const text = (answers: (typeof answer & { score?: number })[]) =>
    accuracyTable(majority, groupRuns([exampleRun({ answers })]), null);
  assert.match(text([answer]), /^Percent of test questions whose generated answer equals the true/);
  assert.match(text([{ ...answer, score: 0.9 }]), /^VQA accuracy in percent, by the official rule/);
});

Deno.test("detectable effects are at the level of Holm's first step, which the legend says", () => {
  const arms = ["cosine-constraint", "self-distillation"];
  const study = exampleStudy({ config: { analysis: { family: arms } } });
  const conditions = groupRuns(exampleRuns([1, 2, 3, 4, 5]));
  const family = familyOf(study, conditions)!;
  const text = accuracyTable(majority, conditions, family);
  for (const { condition, difference } of family) {
    const line = text.split("\n").find((line) => line.startsWith(`| ${condition!.arm} `))!;
    const at = (alpha: number) => ` ${detectableEffects(difference, alpha, 100, 2)} |`;
    assert.ok(line.includes(at(0.025)) && !line.includes(at(0.05)), line);
  }
  assert.match(text, /at the level of Holm's first step(?! over)/);
  const chosen = family.map((member) => ({ ...member, tried: 3 }));
  assert.match(
    accuracyTable(majority, conditions, chosen),
    /at the level of Holm's first step over the number of λ that the arm's was chosen from/,
  );
});
