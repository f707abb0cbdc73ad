import assert from "node:assert/strict";
import {
  exampleAccuracy,
  exampleRun,
  exampleRuns,
  exampleStudy,
} from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { familyOf } from "./family.ts";
import { finding } from "./finding.ts";
import { sweepsOf } from "./sweeps.ts";

const majority = exampleAccuracy(0.25, 0.5);
const of = (runs: Parameters<typeof groupRuns>[0]) => {
  const conditions = groupRuns(runs);
  return finding(conditions, majority, null, sweepsOf(conditions));
};

Deno.test("with five seeds each arm has its difference, interval and verdict", () => {
  assert.equal(
    of(exampleRuns([1, 2, 3, 4, 5])),
    "Against baseline at the same seeds, VQA accuracy changes with cosine-constraint (λ = 1) by +1.12 points " +
      "(95 % interval +1.02 to +1.22: higher) and self-distillation (λ = 1) by +0.20 points " +
      "(95 % interval −1.16 to +1.56: cannot tell). " +
      "Baseline answers 83.5 % of the test questions; it beats the question-only control " +
      "(+40.20 points, 95 % interval +39.97 to +40.43) and the majority answer " +
      "(+41.87 points, 95 % interval +41.64 to +42.09).",
  );
});

Deno.test("with fewer than five seeds nothing is a finding, not even of the controls", () => {
  const text = of(exampleRuns([1, 2, 3]));
  assert.match(
    text,
    / it differs from the question-only control by \+40\.22 points \(95 % interval [^)]*\) and from the majority answer by /,
  );
  assert.match(text, /\+0\.85 to \+1\.35: cannot tell/);
  assert.match(text, /; a verdict needs 5 seeds and there are 3\. Baseline/);
});

Deno.test("one seed has no interval", () => {
  const text = of(exampleRuns([1]));
  assert.match(text, /by \+1\.10 points \(no interval: cannot tell\)/);
  assert.match(text, /needs 5 seeds and there is 1\./);
  assert.match(
    text,
    /differs from the question-only control by \+40\.33 points at one seed \(no interval\)/,
  );
});

Deno.test("a baseline that does not beat the control is said not to", () => {
  const runs = [1, 2, 3, 4, 5].flatMap((seed) => [
    exampleRun({ seed, color: 0.3 + 0.1 * seed, yesNo: 0.5 }),
    exampleRun({
      seed,
      role: "question-only",
      arm: "question-only",
      color: 0.9 - 0.1 * seed,
      yesNo: 0.5,
    }),
  ]);
  assert.match(
    of(runs),
    /it is not shown to beat the question-only control \(0\.00 points, 95 % interval/,
  );
  const worse = [1, 2, 3, 4, 5].map((seed) =>
    exampleRun({ seed, color: 0.1, yesNo: 0.1 + 0.01 * seed })
  );
  assert.match(of(worse), /falls short of the majority answer/);
});

Deno.test("missing controls and a missing baseline are named", () => {
  const runs = exampleRuns([1, 2]);
  assert.match(
    of(runs.filter(({ role }) => role === "arm")),
    /it has no question-only run to be compared with and/,
  );
  assert.equal(
    of(runs.filter(({ arm }) => arm !== "baseline")),
    "No arm can be compared with the baseline: there is no baseline run at the same seeds.",
  );
});

Deno.test("every control that ran has its clause", () => {
  const runs = exampleRuns([1, 2, 3, 4, 5]);
  const others = (["random-encoder", "random-llm"] as const).flatMap((role) =>
    [1, 2, 3, 4, 5].map((seed) =>
      exampleRun({ role, arm: role, seed, color: role === "random-llm" ? 0.9 : 0.1 * seed })
    )
  );
  assert.match(
    of([...others, ...runs]),
    /it beats the question-only control \(.*\), the random-encoder control \(.*\) and the majority answer \(.*\) and is not shown to beat the random-llm control \(/,
  );
});

Deno.test("where there are several stages conditions are named with theirs, and the last is beside its controls", () => {
  const first = exampleRuns([1, 2, 3, 4, 5]);
  const later = first.map((run) => ({
    ...run,
    stage: `${run.stage}+lora`,
    accuracy: run.arm === "baseline" ? exampleAccuracy(1, 1) : run.accuracy,
  }));
  const text = of([...first, ...later]);
  const stage = first[0].stage;
  assert.ok(
    text.includes(
      `higher than baseline at the same seeds in 1 (cosine-constraint (λ = 1, ${stage}))`,
    ),
  );
  assert.ok(
    text.includes(
      `lower in 2 (cosine-constraint (λ = 1, ${stage}+lora), self-distillation (λ = 1, ${stage}+lora))`,
    ),
  );
  assert.ok(text.includes(`Baseline (${stage}+lora) answers 100.0 % of the test questions`));
});

Deno.test("a control that was tested on other folds is no comparison", () => {
  const runs = exampleRuns([1, 2, 3, 4, 5]);
  const blind = runs.filter(({ role }) => role === "question-only").map((run) => ({
    ...run,
    fold: 1,
  }));
  assert.match(
    of([...runs.filter(({ role }) => role === "arm"), ...blind]),
    /it was tested at no seed and fold of the question-only control and/,
  );
});

Deno.test("many conditions are counted by verdict", () => {
  const runs = [1, 2, 3, 4, 5].flatMap((seed) => [
    exampleRun({ seed }),
    ...[1, 2, 3, 4].map((lambda) => {
      const change = lambda === 1 ? 0.03 : lambda === 2 ? -0.03 : 0.03 * (seed % 2 ? 1 : -1);
      return exampleRun({ seed, arm: "a", lambda, color: 0.9 + change + 0.001 * seed });
    }),
  ]);
  assert.match(
    of(runs),
    /^Of 4 conditions beside baseline, VQA accuracy is higher than baseline at the same seeds in 1 \(a \(λ = 1\)\) and lower in 1 \(a \(λ = 2\)\); for 2 we cannot tell\. /,
  );
});

Deno.test("where arms ran at several lambdas, their slopes follow", () => {
  const sweep = (seeds: readonly number[]) =>
    seeds.flatMap((seed) => [
      exampleRun({ seed }),
      // A third of the questions are of colour.
      ...[1, 2].map((lambda) =>
        exampleRun({ seed, arm: "a", lambda, color: 0.9 + lambda * (0.01 + 0.001 * seed) })
      ),
    ]);
  assert.match(
    of(sweep([1, 2, 3, 4, 5])),
    / A unit more of λ changes VQA accuracy by \+0\.43 points with a \(95 % interval \+0\.37 to \+0\.50\)\. Baseline /,
  );
  assert.match(of(sweep([1])), / by \+0\.37 points with a \(no interval\)\. Baseline /);
  assert.doesNotMatch(of(exampleRuns([1, 2])), /A unit more/);
});

Deno.test("with a family only its members are compared, by their adjusted p", () => {
  const analysis = { family: ["cosine-constraint", "self-distillation"] };
  const study = exampleStudy({ config: { analysis } });
  const ofFamily = (runs: Parameters<typeof groupRuns>[0]) => {
    const conditions = groupRuns(runs);
    return finding(conditions, majority, familyOf(study, conditions), []);
  };
  const runs = exampleRuns([1, 2, 3, 4, 5]);
  const others = runs.filter(({ arm }) => arm === "self-distillation")
    .map((run) => ({ ...run, arm: "vicreg" }));
  assert.match(
    ofFamily([...runs, ...others]),
    /with cosine-constraint \(λ = 1\) by \+1\.12 points \(95 % interval \+1\.02 to \+1\.22, p < 0\.001 after Holm: higher\) and self-distillation \(λ = 1\) by \+0\.20 points \(95 % interval −1\.16 to \+1\.56, p = 0\.704 after Holm: cannot tell\)\. Baseline/,
  );
  assert.match(ofFamily(exampleRuns([1, 2])), /: cannot tell\); a verdict needs 5 seeds/);
  assert.match(ofFamily(runs.filter(({ arm }) => arm === "baseline")), /^Baseline answers/);
});

Deno.test("where several people have answered, what is reached is a VQA accuracy", () => {
  const answers = [{ id: "1", answer: "red", correct: false, score: 0.3 }];
  const text = of(exampleRuns([1, 2, 3, 4, 5]).map((run) => ({ ...run, answers })));
  assert.match(text, /Baseline has a VQA accuracy of 83\.5 %; it beats the question-only control/);
});

Deno.test("where arms have run at unequal numbers of seeds, the fewest are said", () => {
  const runs = exampleRuns([1, 2, 3, 4, 5]).filter(({ arm, seed }) =>
    arm !== "self-distillation" || seed <= 3
  );
  assert.match(of(runs), /; a verdict needs 5 seeds and there are 3\. Baseline/);
});

Deno.test("the last stage's baseline is held against the controls of its own stage alone", () => {
  const first = exampleRuns([1, 2, 3, 4, 5]);
  const later = first.filter(({ arm }) => arm === "baseline" || arm === "question-only").map((
    run,
  ) => ({
    ...run,
    stage: `${run.stage}+lora`,
    accuracy: run.arm === "baseline" ? exampleAccuracy(1, 1) : exampleAccuracy(0.9, 0.9),
  }));
  const text = of([...first, ...later]);
  assert.equal(text.match(/the question-only control/g)!.length, 1, text);
  assert.match(text, /beats the question-only control \(\+10\.00 points, /);
});
