import assert from "node:assert/strict";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import { compareStudies } from "./compare.ts";

const study = exampleStudy();
const d = "d".repeat(64), e = "e".repeat(64), f = "f".repeat(64);
const first = {
  name: "runs/a",
  study,
  runs: [exampleRun(), exampleRun({ seed: 2, color: 0.93 })],
};
const second = {
  name: "runs/b",
  study,
  runs: [
    exampleRun({ arm: "self-distillation", lambda: 1, color: 0.96 }),
    exampleRun({ arm: "self-distillation", lambda: 1, seed: 2, color: 0.93 }),
    exampleRun({ seed: 3 }),
  ],
};
const other = {
  ...second,
  study: exampleStudy({ data: { ...study.data, contentHash: f } }),
};

Deno.test("every condition stands against the first study's baseline, at common seeds", () => {
  assert.equal(
    compareStudies([first, second]),
    `Data: the same in all studies, \`${d}\`. Image encoders: the same in all studies, \`${e}\`.\n\n` +
      "VQA accuracy is in percent, mean ± half the width of the 95 % interval over seeds. Differences are " +
      "percentage points to the baseline of runs/a after the same stage, at the same seeds and folds, " +
      "with Student's 95 % interval, not adjusted for the number of comparisons.\n\n" +
      "| Study  | Arm               |   λ | Seeds |   Accuracy | Difference |    95 % interval |\n" +
      "| ------ | ----------------- | --: | ----: | ---------: | ---------: | ---------------: |\n" +
      "| runs/a | baseline          |   0 |     2 | 83.8 ± 6.4 |            |                  |\n" +
      "| runs/b | baseline          |   0 |     1 |       83.3 |            |                  |\n" +
      "| runs/b | self-distillation |   1 |     2 | 84.8 ± 6.4 |      +1.00 | −11.71 to +13.71 |\n",
  );
});

Deno.test("studies of different data are refused by their hashes, and compared when forced", () => {
  assert.throws(() => compareStudies([first, other]), {
    name: "RangeError",
    message: `Cannot compare studies of different data: runs/a has ${d} and runs/b has ${f} ` +
      "(--force compares them)",
  });
  const markdown = compareStudies([first, other], { force: true });
  assert.ok(
    markdown.startsWith(
      `Data: **different**, runs/a has ${d} and runs/b has ${f}. Image encoders: the same`,
    ),
  );
  assert.match(markdown, /the questions do too/);
});

Deno.test("different encoders are said, and compared", () => {
  const encoder = { ...study.encoder, contentHash: f };
  const markdown = compareStudies([first, { ...second, study: { ...study, encoder } }]);
  assert.ok(
    markdown.includes(`Image encoders: **different**, runs/a has ${e} and runs/b has ${f}.`),
  );
});

Deno.test("without two studies, a run or a baseline there is nothing to compare", () => {
  assert.throws(() => compareStudies([first]), /two are needed, got 1/);
  assert.throws(
    () => compareStudies([first, { ...second, runs: [] }]),
    /"runs\/b" has no finished run/,
  );
  const controls = [exampleRun({ role: "question-only", arm: "question-only" })];
  assert.throws(
    () => compareStudies([{ ...first, runs: controls }, second]),
    /"runs\/a" has no run of the baseline/,
  );
});
