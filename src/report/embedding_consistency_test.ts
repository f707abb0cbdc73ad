import assert from "node:assert/strict";
import { exampleGeometry, exampleRun, exampleStudy } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { embeddingConsistency, keptTable, shapeTable } from "./embedding_consistency.ts";
import { renderReport } from "./report.ts";

const runs = [
  exampleRun({ geometry: exampleGeometry() }),
  exampleRun({ seed: 2, geometry: exampleGeometry() }),
  exampleRun({ arm: "self-distillation", lambda: 1, geometry: exampleGeometry(0.75) }),
  exampleRun({ arm: "self-distillation", lambda: 1, seed: 2, geometry: exampleGeometry(0.875) }),
  exampleRun({ arm: "question-only", role: "question-only", geometry: exampleGeometry(1) }),
];
const conditions = groupRuns(runs);
const cells = (markdown: string) =>
  markdown.trim().split("\n").map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );

Deno.test("the first table has the shape before and behind P1, by arm", () => {
  const [header, , ...rows] = cells(shapeTable(conditions));
  assert.deepEqual(header, [
    "Arm",
    "λ",
    "Seeds",
    "Average cosine",
    "Effective rank",
    "centred",
    "Participation ratio",
    "IsoScore",
    "Collapse gauge",
    "Uniformity",
  ]);
  const same = [
    "20.00 → 20.00 ± 0.00",
    "22.00 → 22.00 ± 0.00",
    "8.00 → 8.00 ± 0.00",
    "0.250 → 0.250 ± 0.000",
    "0.750 → 0.750 ± 0.000",
    "−2.000 → −2.000 ± 0.000",
  ];
  assert.deepEqual(rows, [
    ["baseline", "0", "2", "0.250 → 0.500 ± 0.000", ...same],
    ["self-distillation", "1", "2", "0.250 → 0.813 ± 0.794", ...same],
    [
      "question-only",
      "",
      "1",
      "0.250 → 1.000",
      ...same.map((cell) => cell.replace(/ ± .*/, "")),
    ],
  ]);
});

Deno.test("the second table has what stays, and how image tokens lie to text", () => {
  const [header, , ...rows] = cells(keptTable(conditions.slice(0, 1)));
  assert.deepEqual(header.slice(2), [
    "Linear CKA",
    "KNOR@5",
    "KNOR@10",
    "Ridge R²",
    "weighted",
    "Modality gap",
    "Norm ratio",
    "Average cosine of text",
    "Effective rank of text",
  ]);
  assert.deepEqual(rows.map((row) => row.slice(2).map((cell) => cell.replace(/ ± 0\.0+$/, ""))), [
    ["0.875", "0.500", "0.625", "0.750", "0.800", "1.250", "16.00", "0.125", "20.00"],
  ]);
  const few = exampleGeometry();
  few.pairs.neighbourOverlap10 = null;
  const [without] = cells(keptTable(groupRuns([exampleRun({ geometry: few })])));
  assert.ok(without.includes("KNOR@5") && !without.includes("KNOR@10"));
});

Deno.test("the text names what was measured: rows, widths, regression, sample", () => {
  const { markdown, figures } = embeddingConsistency(conditions);
  for (
    const said of [
      "Of 960 image tokens of held-out pictures, before P1 (X, width 64) → behind it (Z = P1(X), width 128)",
      "λ = 1, learnt from the first 720 tokens",
      "pairs of 512 tokens",
      "the 30 tokens that questions and answers use",
    ]
  ) assert.ok(markdown.includes(said), said);
  assert.deepEqual(figures.map(({ file }) => file), [
    "cosine_histogram.svg",
    "spectrum.svg",
    "token_map_baseline.svg",
    "token_map_self-distillation.svg",
  ]);
  for (const { file, title } of figures) {
    assert.ok(markdown.includes(`![${title}](figures/${file})`));
  }
});

Deno.test("of an arm with several lambdas the map is of the largest", () => {
  const { figures } = embeddingConsistency(groupRuns(
    [1, 2, 3].map((lambda) => exampleRun({ arm: "a", lambda, geometry: exampleGeometry() })),
  ));
  const maps = figures.filter(({ file }) => file.startsWith("token_map"));
  assert.deepEqual(maps.map(({ title }) => title), [
    "Image tokens among text tokens, a (λ = 3), seed 1",
  ]);
});

Deno.test("a report has the part where a record has the numbers, and else is as it was", () => {
  const heading = "## Embeddings consistency";
  const rendered = renderReport(exampleStudy(), runs);
  assert.ok(rendered.markdown.includes(`${heading}\n\nOf 960`));
  assert.ok(rendered.figures["spectrum.svg"].startsWith("<svg"));
  const older = renderReport(exampleStudy(), runs.map(({ geometry: _, ...run }) => run));
  assert.ok(!older.markdown.includes(heading));
  assert.equal(older.figures["spectrum.svg"], undefined);
  // Only some have them.
  const mixed = renderReport(exampleStudy(), [runs[0], exampleRun({ arm: "b", lambda: 1 })]);
  const part = mixed.markdown.split(heading)[1].split("## Losses")[0];
  assert.deepEqual(part.match(/^\| [a-z]+ /gm), ["| baseline ", "| baseline "]);
});

Deno.test("of an arm with several stages the last is drawn", () => {
  const later = runs.map((run) => ({ ...run, stage: `${run.stage}+lora` }));
  const { markdown, figures } = embeddingConsistency(groupRuns([...runs, ...later]));
  const { svg } = figures[0], { stage } = runs[0];
  assert.match(markdown, /Of every arm its last stage is drawn\./);
  assert.ok(svg.includes(`Z, baseline (${stage}+lora)`) && !svg.includes(`Z, baseline (${stage})`));
  assert.doesNotMatch(embeddingConsistency(conditions).markdown, /last stage/);
});
