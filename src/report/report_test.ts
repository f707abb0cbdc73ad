import assert from "node:assert/strict";
import fc from "fast-check";
import { exampleRun, exampleRuns, exampleStudy } from "../records/example_records.ts";
import { renderReport } from "./report.ts";

Deno.test("the report opens with the finding and links every figure", () => {
  const { markdown, finding, figures } = renderReport(exampleStudy(), exampleRuns([1, 2, 3, 4, 5]));
  assert.ok(markdown.startsWith(`# Does the example help?\n\n${finding}\n\n`));
  const links = [...markdown.matchAll(/\]\(figures\/([^)]+)\)/g)].map(([, file]) => file);
  assert.deepEqual(links, Object.keys(figures));
  assert.equal(links.length, 3);
  assert.deepEqual(markdown.match(/^## .*$/gm), [
    "## VQA accuracy",
    "## What ran",
    "## Secondary statistics",
    "## Embedding statistics",
    "## Losses",
    "## Every run",
    "## How to reproduce it",
  ]);
});

Deno.test("the embedding table is right-aligned, one row a condition", () => {
  const { markdown } = renderReport(exampleStudy(), exampleRuns([1, 2]));
  assert.ok(markdown.includes(
    "| Arm               |   λ | Seeds | Average cosine | Effective rank |      centred | Participation ratio |     Mean norm |     Text norm |           L_cos |\n" +
      "| ----------------- | --: | ----: | -------------: | -------------: | -----------: | ------------------: | ------------: | ------------: | --------------: |\n" +
      "| baseline          |   0 |     2 |  0.500 ± 0.000 |   20.00 ± 0.00 | 22.00 ± 0.00 |         8.00 ± 0.00 | 1.500 ± 0.000 | 1.000 ± 0.000 |                 |\n" +
      "| cosine-constraint |   1 |     2 |  0.500 ± 0.000 |   20.00 ± 0.00 | 22.00 ± 0.00 |         8.00 ± 0.00 | 1.500 ± 0.000 | 1.000 ± 0.000 | 0.1000 ± 0.0000 |\n",
  ));
});

Deno.test("the table of runs has one row a run, with the head of its weights' hash", () => {
  const { markdown } = renderReport(exampleStudy(), [exampleRun({ seed: 2 }), exampleRun()]);
  assert.ok(markdown.includes(
    "| Arm      | Seed | Accuracy, % | Token loss, test | Training, s | Evaluation, s | Weights, SHA-256 |\n" +
      "| -------- | ---: | ----------: | ---------------: | ----------: | ------------: | ---------------- |\n" +
      "| baseline |    1 |       83.33 |           0.3000 |          60 |             5 | `111111111111`   |\n" +
      "| baseline |    2 |       83.33 |           0.3000 |          60 |             5 | `222222222222`   |\n",
  ));
});

Deno.test("columns of a loss that no arm has are left out", () => {
  const { markdown, figures } = renderReport(exampleStudy(), [exampleRun()]);
  assert.doesNotMatch(markdown, /\| +L_cos/);
  assert.deepEqual(Object.keys(figures), ["token_loss.svg", "validation_accuracy.svg"]);
});

Deno.test("the same records give the same bytes in any order", () => {
  const runs = exampleRuns([1, 2]);
  const expected = renderReport(exampleStudy(), runs);
  fc.assert(
    fc.property(fc.shuffledSubarray(runs, { minLength: runs.length }), (shuffled) => {
      assert.deepEqual(renderReport(exampleStudy(), shuffled), expected);
    }),
    { numRuns: 5 },
  );
});

Deno.test("rendering leaves the records as they are", () => {
  const study = exampleStudy(), runs = exampleRuns([2, 1]);
  const before = structuredClone({ study, runs });
  renderReport(study, runs);
  assert.deepEqual({ study, runs }, before);
});

Deno.test("a diverged run is reported as not finite, and NaN is printed nowhere", () => {
  const { losses, embedding } = exampleRun();
  const diverged = exampleRun({
    seed: 2,
    losses: {
      ...losses,
      tokenLoss: NaN,
      testTokenLoss: NaN,
      curve: losses.curve.map((point) => ({ ...point, tokenLoss: NaN })),
    },
    embedding: { ...embedding, averageCosine: NaN, effectiveRank: Infinity },
  });
  const { markdown, figures } = renderReport(exampleStudy(), [exampleRun(), diverged]);
  const all = [markdown, ...Object.values(figures)].join("\n");
  assert.doesNotMatch(all, /NaN|Infinity|undefined|null/);
  assert.match(markdown, /not finite/);
});

Deno.test("no mixture of missing runs makes the report fail or print a hole", () => {
  const runs = exampleRuns([1, 2, 3]);
  fc.assert(
    fc.property(fc.subarray(runs, { minLength: 1 }), (subset) => {
      const { markdown } = renderReport(exampleStudy({ planned: runs }), subset);
      assert.doesNotMatch(markdown, /NaN|undefined|null|Infinity/);
      assert.equal(/This study is not complete/.test(markdown), subset.length < runs.length);
    }),
    { numRuns: 25 },
  );
});

Deno.test("a study without runs is refused", () => {
  assert.throws(
    () => renderReport(exampleStudy(), []),
    /Cannot report study "example": it has no finished run/,
  );
});
