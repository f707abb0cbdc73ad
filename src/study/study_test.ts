import assert from "node:assert/strict";
import { tinyStudy } from "../testing/tiny_study.ts";
import { expandGrid } from "./grid.ts";
import { parseStudy, withoutBaseline } from "./study.ts";

/** A study with one field changed, by its path; undefined takes it away. */
function changed(path: string, value: unknown): unknown {
  const study = structuredClone(tinyStudy()) as Record<string, unknown>;
  const keys = path.split(".");
  const last = keys.pop()!;
  const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, study);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return study;
}

const WRONG: [path: string, value: unknown, message: RegExp][] = [
  ["name", "Two Words", /"name": must be lower-case words joined by hyphens$/],
  ["title", undefined, /field "title" is missing$/],
  [
    "data.name",
    "easy-shape",
    /"data.name": unknown data set "easy-shape"; did you mean "easy-shapes"\?/,
  ],
  ["data.seed", 0.5, /"data.seed": expected int, received number$/],
  ["data.trainImage", 3, /"data": unknown field "trainImage"; did you mean "trainImages"\?/],
  ["arms", [], /"arms": /],
  ["arms.1.connector", "mpl", /"arms.1.connector": unknown connector "mpl"; did you mean "mlp"\?/],
  [
    "arms.1.objective",
    "cosine-constrain",
    /"arms.1.objective": .* did you mean "cosine-constraint"\?/,
  ],
  ["arms.1.objective", "__proto__", /"arms.1.objective": unknown objective "__proto__"/],
  ["arms.1.lambda", [-1], /"arms.1.lambda.0": /],
  ["arms.1.lambda", [0.5, 1, 0.5], /"arms.1.lambda": 0.5 is there twice$/],
  ["arms.0.lambda", [0, 1], /"arms.0.lambda": must be \[0\] where there is no objective to weigh$/],
  ["arms.1.name", "baseline", /"arms.1.name": arm "baseline" is there twice$/],
  ["arms.1.name", "question-only", /"arms.1.name": "question-only" is the name of a control$/],
  ["arms.1.stages", ["captions"], /"arms.1.stages.0": /],
  ["seeds", 0, /"seeds": /],
  ["controls", ["majorty"], /"controls.0": /],
  ["controls", ["majority", "random-llm"], /"controls.1": random-llm is no control where every/],
  ["arms.1.stages", ["all", "all"], /"arms.1.stages.1": stage "all" is there twice$/],
  [
    "arms.0.stages",
    ["projector", "projector+lra"],
    /"arms.0.stages.1": unknown stage "projector\+lra"; did you mean "projector\+lora"\?/,
  ],
  ["arms.1.name", "random-llm", /"arms.1.name": "random-llm" is the name of a control$/],
  ["llm.shape.kvHeads", 3, /"llm.shape.kvHeads": 3 does not divide 2 heads$/],
  ["llm.shape.headDim", 7, /"llm.shape.headDim": 7 is odd/],
  ["llm.shape", undefined, /"llm.shape": is missing, and a decoder from random weights needs one$/],
  ["llm.name", "embedded", /"llm.shape": is for a decoder from random weights; "embedded" has its/],
  ["llm.prompt", { lead: "", question: "Q:" }, /"llm.prompt.question": must contain \{question\}$/],
  ["lora.dropout", 1, /"lora.dropout": /],
  ["lora.targets", ["q"], /"lora.targets.0": /],
  ["folds", { count: 1, by: "image", seed: 0 }, /"folds.count": /],
  ["folds", { count: 2, by: "picture", seed: 0 }, /"folds.by": /],
  ["stages", [{ name: "Two", train: ["P1"] }], /"stages.0.name": must be lower-case words/],
  ["stages", [{ name: "two", train: [] }], /"stages.0.train": /],
  ["stages", [{ name: "two", train: ["P3"] }], /"stages.0.train.0": /],
  ["stages", [{ name: "two", train: ["P1"], draw: ["all"] }], /"stages.0.draw.0": /],
  [
    "stages",
    [{ name: "two", train: ["P1"], training: { schedule: "linear" } }],
    /"stages.0.training.schedule": /,
  ],
  [
    "stages",
    [{ name: "two", train: ["P1"], training: { context: 9 } }],
    /"stages.0.training": unknown field "context"/,
  ],
  ["arms.0.options", { gamma: 1 }, /"arms.0.options": /],
  ["arms.0.lambdaSchedule", "linear", /"arms.0.lambdaSchedule": /],
  [
    "arms.0.stages",
    [{ name: "al" }],
    /"arms.0.stages.0": unknown stage "al"; did you mean "all"\?/,
  ],
  ["arms.0.stages", [{ name: "all", steps: 3 }], /"arms.0.stages.0": unknown field "steps"/],
  ["training", undefined, /field "training" is missing$/],
  ["training.steps", -5, /"training.steps": /],
  ["training.steps", "many", /"training.steps": expected number, received string$/],
  ["training.learningRate", Infinity, /"training.learningRate": /],
  ["training.stepz", 3, /"training": unknown field "stepz"; did you mean "steps"\?/],
  ["evaluation.embeddingImages", 0, /"evaluation.embeddingImages": /],
  ["extra", 1, /unknown field "extra"/],
];

for (const [path, value, message] of WRONG) {
  Deno.test(`a study whose ${path} is ${JSON.stringify(value)} is refused by file and field`, () => {
    assert.throws(() => parseStudy(changed(path, value), "study.json"), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, /^Cannot read study study.json: [^\n]+$/);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("a modality is held out of data that have several, and of no other", () => {
  const held = (name: string) =>
    parseStudy({ ...tinyStudy(), data: { name, seed: 0, heldOutModality: "CT" } }, "study.json");
  assert.equal(held("slake").data.heldOutModality, "CT");
  assert.throws(() => held("easy-shapes"), /"data.heldOutModality": easy-shapes has no modalities/);
  assert.throws(() => held("slak"), /"data.name": unknown data set "slak"; did you mean "slake"/);
  const folds = { count: 3, by: "image", seed: 0 };
  assert.throws(
    () => parseStudy({ ...held("slake"), folds }, "study.json"),
    /"folds": the test split, where a held-out modality stands, takes no part/,
  );
});

Deno.test("what is no object is refused", () => {
  for (const value of [null, [], "quick", 3]) {
    assert.throws(
      () => parseStudy(value, "study.json"),
      /^TypeError: Cannot read study study.json: expected object/,
    );
  }
});

Deno.test("a stage of a study has its own settings, and the study's where it has none", () => {
  const stages = [
    { name: "projector", train: ["P1"], training: { learningRate: 5e-4, schedule: "constant" } },
    { name: "last", train: ["P1", "P2"], draw: ["P2"], training: { epochs: 3, batch: 7 } },
  ];
  const [arm] = tinyStudy().arms;
  const arms = [{ ...arm, stages: ["projector", "last", "projector+lora"] }];
  const study = parseStudy({ ...tinyStudy(), stages, arms }, "study.json");
  const [{ stages: [first, second, third] }] = expandGrid(study);
  const { training } = study;
  assert.equal(training.schedule, "cosine");
  assert.deepEqual(first, {
    name: "projector",
    train: ["P1"],
    draw: [],
    training: { ...training, learningRate: 5e-4, schedule: "constant" },
  });
  assert.deepEqual(second, {
    name: "last",
    train: ["P1", "P2"],
    draw: ["P2"],
    training: { ...training, epochs: 3, batch: 7 },
  });
  assert.deepEqual(third, {
    name: "projector+lora",
    train: ["P1", "P2", "lora"],
    draw: [],
    training,
  });
});

Deno.test("steps of a stage's own outweigh epochs of the study", () => {
  const stages = [
    { name: "counted", train: ["P1"], training: { steps: 9 } },
    { name: "seen", train: ["P1"], training: { steps: 9, epochs: 2 } },
  ];
  const { arms: [arm], training } = tinyStudy();
  const study = parseStudy({
    ...tinyStudy(),
    training: { ...training, epochs: 5 },
    stages,
    arms: [{ ...arm, stages: ["counted", "seen", "all"] }],
  }, "study.json");
  const [run] = expandGrid(study);
  assert.deepEqual(
    run.stages.map(({ training: { steps, epochs } }) => [steps, epochs]),
    [[9, undefined], [9, 2], [4, 5]],
  );
});

Deno.test("a study is read as it stands", () => {
  const study = tinyStudy();
  assert.deepEqual(parseStudy(JSON.parse(JSON.stringify(study)), "study.json"), study);
});

Deno.test("a stage does not draw a decoder anew", () => {
  const { stages: _, ...study } = tinyStudy();
  const stages = [{ name: "again", train: ["P1"], draw: ["decoder"] }];
  assert.throws(() => parseStudy({ ...study, stages }, "x.json"), {
    name: "TypeError",
    message:
      'Cannot read study x.json: "stages.0.draw": a decoder is not drawn between stages; random-llm is the control for it',
  });
});

Deno.test("an arm's objective has its options, and the defaults of those it leaves out", () => {
  const [arm] = tinyStudy().arms;
  const vicreg = { ...arm, name: "vicreg", objective: "vicreg", lambda: [1] };
  const arms = [
    vicreg,
    { ...vicreg, name: "weak", options: { variance: 3, gamma: 1 }, lambdaSchedule: "warm-up" },
  ];
  const runs = expandGrid(parseStudy({ ...tinyStudy(), arms, seeds: 1 }, "study.json"));
  assert.deepEqual(
    runs.map(({ objectiveOptions, lambdaSchedule }) => [objectiveOptions, lambdaSchedule]),
    [
      [{ variance: 25, covariance: 1, gamma: "text" }, "constant"],
      [{ variance: 3, covariance: 1, gamma: 1 }, "warm-up"],
      [{}, "constant"],
    ],
  );
  assert.throws(
    () => parseStudy({ ...tinyStudy(), arms: [{ ...vicreg, options: { gamma: -1 } }] }, "x.json"),
    /^TypeError: Cannot read study x.json: "arms.0.options.gamma": /,
  );
});

Deno.test("a stage of an arm differs from the others' in what the arm says", () => {
  const [arm] = tinyStudy().arms;
  const stages = [
    { name: "projector", train: ["P1"] },
    { name: "projector+lora", draw: ["P2"] },
  ];
  const arms = [
    { ...arm, stages: ["projector", "projector+lora"] },
    { ...arm, name: "frozen-p2", objective: "self-distillation", lambda: [1], stages },
  ];
  const [plain, frozen] = expandGrid(parseStudy({ ...tinyStudy(), arms }, "study.json"));
  const parts = ({ stages }: typeof plain) =>
    stages.map(({ name, train, draw }) => ({ name, train, draw }));
  assert.deepEqual(parts(plain), [
    { name: "projector", train: ["P1", "P2"], draw: [] },
    { name: "projector+lora", train: ["P1", "P2", "lora"], draw: [] },
  ]);
  assert.deepEqual(parts(frozen), [
    { name: "projector", train: ["P1"], draw: [] },
    { name: "projector+lora", train: ["P1", "P2", "lora"], draw: ["P2"] },
  ]);
  assert.deepEqual(frozen.stages[0].training, plain.stages[0].training);
});

Deno.test("an arm ends with no stage that the baseline lacks, where there is a baseline", () => {
  const [baseline, arm] = tinyStudy().arms;
  const longer = { ...arm, stages: ["all", { name: "projector" }] };
  const parse = (...arms: unknown[]) => parseStudy({ ...tinyStudy(), arms }, "x.json");
  assert.throws(() => parse(longer, baseline), {
    name: "TypeError",
    message:
      'Cannot read study x.json: "arms.0.stages.1": arm "cosine-constraint" ends with stage "projector", which arm "baseline" lacks: nothing would be compared with it',
  });
  assert.equal(parse(longer).arms.length, 1);
  const both = { ...baseline, stages: ["projector", "all"] };
  assert.equal(parse(both, longer).arms.length, 2);
  const before = { ...arm, stages: ["projector", "all"] };
  assert.equal(parse(baseline, before).arms.length, 2);
});

Deno.test("what a study compares and claims is fixed in its file, and is about its own arms", () => {
  const claim = {
    claim: "accuracy improves",
    arm: "cosine-constraint",
    statistic: "accuracy",
    direction: "higher",
    margin: 0.5,
  };
  const analysis = { primary: "paired-t", family: ["cosine-constraint"], claims: [claim] };
  const study = parseStudy({ ...tinyStudy(), analysis }, "study.json");
  assert.deepEqual(study.analysis, analysis);
  const refused = (change: Record<string, unknown>, message: RegExp) =>
    assert.throws(
      () => parseStudy({ ...tinyStudy(), analysis: { ...analysis, ...change } }, "x.json"),
      message,
    );
  refused(
    { family: ["cosine"] },
    /"analysis.family.0": unknown arm "cosine". There are baseline/,
  );
  refused({ claims: [{ ...claim, arm: "b" }] }, /"analysis.claims.0.arm": unknown arm "b"/);
  refused({ claims: [{ ...claim, margin: -1 }] }, /"analysis.claims.0.margin": /);
  refused({ primary: "t" }, /"analysis.primary": /);
});

Deno.test("a study without a baseline is said to compare nothing", () => {
  const study = tinyStudy();
  assert.equal(withoutBaseline(study), null);
  assert.equal(
    withoutBaseline({ ...study, arms: study.arms.slice(1) }),
    'No arm is called "baseline": the report will compare none',
  );
});
