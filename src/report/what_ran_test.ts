import assert from "node:assert/strict";
import { exampleRun, exampleRuns, exampleStudy } from "../records/example_records.ts";
import type { RunRecord, StudyRecord } from "../records/record.ts";
import { groupRuns } from "./conditions.ts";
import { missingRuns, whatRan } from "./what_ran.ts";

Deno.test("the facts of the records are all there", () => {
  const text = whatRan(exampleStudy(), groupRuns(exampleRuns([1, 2])));
  for (
    const [name, value] of [
      ["Data", "easy-shapes: the easy-VQA recipe"],
      [
        "Splits",
        "train 1,000 pictures with 5,000 questions; validation 50 pictures with 250 questions; test 60 pictures with 300 questions",
      ],
      [
        "Image encoder",
        "patches: fixed orthonormal projection of raw patches; frozen, 16 tokens x 64",
      ],
      ["Model", "Llama decoder, 2 layers, trained together with P1"],
      ["Seeds", "1, 2"],
      ["Optimiser steps", "40"],
      ["Adapter", "Example Adapter (software)"],
      ["Driver", "system"],
      ["Operand form", "storage textures"],
      ["Versions", "Plumbline 0.1.0, Deno 2.9.6"],
    ]
  ) {
    assert.ok(
      text.split("\n").some((line) => line.replace(/ +/g, " ") === `| ${name} | ${value} |`),
      name,
    );
  }
});

Deno.test("folds are said, and whether a picture is on both sides", () => {
  const row = (folds?: StudyRecord["folds"]) =>
    whatRan(exampleStudy({ folds }), groupRuns(exampleRuns([1]))).split("\n")
      .map((line) => line.replace(/ +/g, " ")).find((line) => line.startsWith("| Folds "));
  assert.equal(row(), undefined);
  assert.equal(
    row({ count: 3, by: "question" }),
    "| Folds | 3 folds by question of train and validation together, each tested once: " +
      "a picture may be on both sides; the test split takes no part |",
  );
  assert.equal(
    row({ count: 5, by: "image" }),
    "| Folds | 5 folds by image of train and validation together, each tested once: " +
      "no picture is on both sides; the test split takes no part |",
  );
});

Deno.test("adapters that differ between runs are all named", () => {
  const other = { ...exampleRun().adapter, description: "Other Adapter", software: false };
  const text = whatRan(
    exampleStudy(),
    groupRuns([exampleRun(), exampleRun({ seed: 2, adapter: other })]),
  );
  assert.match(text, /Example Adapter \(software\); Other Adapter +\|/);
});

Deno.test("a complete study has nothing missing", () => {
  assert.equal(missingRuns(exampleStudy(), groupRuns(exampleRuns([1, 2]))), "");
});

Deno.test("runs without a record are named by the plan", () => {
  const runs = exampleRuns([1, 2, 3]);
  const recorded = groupRuns(runs.slice(0, 6));
  assert.equal(
    missingRuns(exampleStudy({ planned: runs }), recorded),
    "**This study is not complete:** 6 of 12 runs are recorded. Missing: self-distillation (λ = 1) seeds 2 and 3; " +
      "question-only seeds 2 and 3; baseline seed 3; cosine-constraint (λ = 1) seed 3.",
  );
});

Deno.test("a stage is named where a condition lacks other seeds after another", () => {
  const runs = exampleRuns([1, 2]).flatMap((run) =>
    ["first", "second"].map((stage) => ({ ...run, stage }))
  );
  const there = runs.filter(({ arm, stage, seed }) =>
    arm !== "cosine-constraint" && (arm !== "self-distillation" || stage === "first" && seed === 1)
  );
  assert.match(
    missingRuns(exampleStudy({ planned: runs }), groupRuns(there)),
    /Missing: cosine-constraint \(λ = 1\) seeds 1 and 2; self-distillation \(λ = 1, second\) seeds 1 and 2; self-distillation \(λ = 1, first\) seed 2\.$/,
  );
});

Deno.test("without a plan, runs are missing where another condition has the seed", () => {
  const runs = exampleRuns([1, 2]).filter(({ arm, seed }) =>
    arm !== "self-distillation" || seed !== 2
  );
  assert.equal(
    missingRuns(exampleStudy(), groupRuns(runs)),
    "**This study is not complete:** 7 of 8 runs are recorded. Missing: self-distillation (λ = 1) seed 2.",
  );
});

Deno.test("what all arms share is a fact, what differs is a column", () => {
  const rows = whatRan(exampleStudy(), groupRuns(exampleRuns([1]))).split("\n");
  assert.ok(rows.some((row) => /^\| Connector +\| mlp +\|$/.test(row)));
  const header = rows.find((row) => row.startsWith("| Arm "))!;
  assert.doesNotMatch(header, /Connector/);
  assert.match(header, /Objective.*Parameters.*Trained/);
  const same = whatRan(exampleStudy(), groupRuns([exampleRun(), exampleRun({ seed: 2 })]));
  assert.doesNotMatch(same, /\| Arm /);
  assert.match(same, /\| Parameters +\| 1,000,000 /);
});

Deno.test("the kernel plan is named by its hash where records have one", () => {
  const kernelPlan = { form: "image", lanes: 8, shapes: { "nt 64x64x64": {} } };
  const text = (config: unknown) => whatRan(exampleStudy(), groupRuns([exampleRun({ config })]));
  assert.match(
    text({ kernelPlan }),
    /\| Kernel plan +\| 8 lanes; blocks of 1 shapes? .*`plan\.json`, SHA-256 `[0-9a-f]{12}`\)/,
  );
  assert.doesNotMatch(text({ steps: 40 }), /Kernel plan/);
});

Deno.test("options of an objective stand behind its name", () => {
  const ran = (margin: number) =>
    exampleRun({
      arm: `margin ${margin}`,
      objective: "hinge",
      lambda: 1,
      config: { objectiveOptions: { margin, squared: true } },
    });
  const text = whatRan(exampleStudy(), groupRuns([ran(0.5), ran(0.9)]));
  for (const margin of [0.5, 0.9]) {
    assert.match(text, new RegExp(`hinge \\(margin ${margin}, squared true\\)`));
  }
});

Deno.test("passes over the training pictures follow from steps, batch and pictures", () => {
  const passes = (runs: RunRecord[], folds?: StudyRecord["folds"]) =>
    whatRan(exampleStudy({ folds }), groupRuns(runs)).split("\n")
      .map((line) => line.replace(/ +/g, " ")).find((line) => line.startsWith("| Passes "));
  const config = {
    stages: [
      { name: exampleRun().stage, training: { batch: 8 } },
      { name: "later", training: { batch: 10 } },
    ],
  };
  // 40 steps over 1,000 pictures.
  const run = exampleRun({ config });
  assert.equal(passes([run]), "| Passes over the training pictures | 0.32 |");
  assert.equal(
    passes([run, exampleRun({ config, stage: "later", steps: 250 })]),
    "| Passes over the training pictures | 0.32; 2.50 |",
  );
  assert.equal(passes([exampleRun()]), undefined, "older records do not say");
  assert.equal(passes([run], { count: 3, by: "image" }), undefined, "folds choose the pictures");
});

Deno.test("trained parameters are told from all of them", () => {
  const parameters = { total: 1_200_000, trained: 34_567 };
  const text = whatRan(exampleStudy(), groupRuns([exampleRun({ parameters })]));
  assert.match(text, /\| Parameters +\| 1,200,000 +\|/);
  assert.match(text, /\| Trained, P2 included +\| 34,567 +\|/);
});
