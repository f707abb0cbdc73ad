import assert from "node:assert/strict";
import fc from "fast-check";
import { tinyStudy } from "../testing/tiny_study.ts";
import { expandGrid } from "./grid.ts";
import { applyOptions, parseLambdas, type StudyOptions } from "./options.ts";

Deno.test("lambdas are a list", () => {
  assert.deepEqual(parseLambdas("0.5,1,2"), [0.5, 1, 2]);
  assert.deepEqual(parseLambdas(" 1 , 1e-3 ,1.0"), [1, 1e-3]);
  assert.deepEqual(parseLambdas("0"), [0]);
});

Deno.test("lambdas are a grid with both ends, without rounding's tail", () => {
  assert.deepEqual(parseLambdas("0:1:0.25"), [0, 0.25, 0.5, 0.75, 1]);
  assert.deepEqual(parseLambdas("0:0.3:0.1"), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(parseLambdas("0:3.4:0.2").length, 18);
  assert.deepEqual(parseLambdas("1:2:0.4"), [1, 1.4, 1.8]);
  assert.deepEqual(parseLambdas("2:2:1"), [2]);
});

Deno.test("what is no lambda is refused by name", () => {
  const wrong = [
    "abc",
    "",
    "1,",
    "1,,2",
    "-1",
    "1,-0.5",
    "NaN",
    "Infinity",
    "1e999",
    "0:1",
    "0:1:0",
    "0:1:-1",
    "1:0:1",
    "0:1:1:1",
    "0:x:1",
    "0:1:1e-9",
  ];
  for (const text of wrong) {
    assert.throws(() => parseLambdas(text), (error: Error) => {
      assert.ok(error instanceof RangeError, text);
      assert.ok(error.message.startsWith(`Cannot read lambda "${text}": `), error.message);
      return true;
    });
  }
});

Deno.test("any list of numbers is read back as it was written, each number once", () => {
  const lambda = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) =>
    value + 0
  );
  fc.assert(fc.property(fc.array(lambda, { minLength: 1 }), (values) => {
    assert.deepEqual(parseLambdas(values.join(",")), [...new Set(values)]);
  }));
});

Deno.test("any grid starts at its start, rises evenly and ends within a step of its end", () => {
  const tenths = (most: number) => fc.integer({ min: 0, max: most });
  fc.assert(
    fc.property(tenths(50), tenths(100), fc.integer({ min: 1, max: 30 }), (from, length, step) => {
      const grid = parseLambdas(`${from / 10}:${(from + length) / 10}:${step / 10}`);
      // In tenths the grid is exact.
      const expected = Array.from(
        { length: Math.floor(length / step) + 1 },
        (_, i) => (from + i * step) / 10,
      );
      assert.deepEqual(grid, expected);
    }),
  );
});

Deno.test("lambda is replaced on arms with an objective and nowhere else", () => {
  const { arms } = applyOptions(tinyStudy(), { lambda: [0.5, 2] });
  assert.deepEqual(arms.map(({ name, lambda }) => [name, lambda]), [
    ["baseline", [0]],
    ["cosine-constraint", [0.5, 2]],
    ["self-distillation", [0.5, 2]],
  ]);
});

Deno.test("arms are chosen by name and keep the study's order", () => {
  const { arms } = applyOptions(tinyStudy(), {
    arms: ["self-distillation", "baseline", "baseline"],
  });
  assert.deepEqual(arms.map(({ name }) => name), ["baseline", "self-distillation"]);
});

Deno.test("each option changes its field and no other", () => {
  const cases: [StudyOptions, (study: ReturnType<typeof tinyStudy>) => void][] = [
    [{ seeds: 7 }, (study) => study.seeds = 7],
    [{ data: "sort-of-clevr" }, (study) => study.data.name = "sort-of-clevr"],
    [{ encoder: "owner/model" }, (study) => study.encoder.name = "owner/model"],
    [{ steps: 9 }, (study) => study.training.steps = 9],
    [{ folds: 4 }, (study) => study.folds = { count: 4, by: "image", seed: 0 }],
    [{ folds: 3, set: ["folds.by=question", "folds.seed=42"] }, (study) => {
      study.folds = { count: 3, by: "question", seed: 42 };
    }],
    [{ llm: "owner/decoder" }, (study) => study.llm = { name: "owner/decoder" }],
    [{ llm: "random" }, () => {}],
    [{ set: ["folds.count=3", "folds.by=question", "folds.seed=1"] }, (study) => {
      study.folds = { count: 3, by: "question", seed: 1 };
    }],
    [{ set: ["data.testImages=null"] }, (study) => delete study.data.testImages],
    [{ set: ["training.batch=8", "title=A title"] }, (study) => {
      study.training.batch = 8;
      study.title = "A title";
    }],
    [{ set: ["arms.1.lambda=[3]"] }, (study) => study.arms[1].lambda = [3]],
    [{ set: ["data.language=en", "encoder.pool=7"] }, (study) => {
      study.data.language = "en";
      study.encoder.pool = 7;
    }],
    [
      { set: ['evaluation={"validations":0,"validationImages":0,"embeddingImages":1}'] },
      (study) => {
        study.evaluation = { validations: 0, validationImages: 0, embeddingImages: 1 };
      },
    ],
    [{}, () => {}],
  ];
  for (const [options, change] of cases) {
    const study = tinyStudy();
    const before = structuredClone(study);
    const expected = structuredClone(study);
    change(expected);
    assert.deepEqual(applyOptions(study, options), expected);
    assert.deepEqual(study, before, "the study itself must stay as it is");
  }
});

Deno.test("folds that are asked for are by image, whatever those of the study are by", () => {
  const study = tinyStudy({ folds: { count: 3, by: "question", seed: 42 } });
  assert.deepEqual(applyOptions(study, { folds: 2 }).folds, { count: 2, by: "image", seed: 42 });
  assert.deepEqual(applyOptions(study, { folds: 2, set: ["folds.by=question"] }).folds, {
    count: 2,
    by: "question",
    seed: 42,
  });
  assert.deepEqual(applyOptions(study, {}).folds, study.folds);
});

const REFUSED: [StudyOptions, RegExp][] = [
  [{ arms: ["basline"] }, /^RangeError: Unknown arm "basline"; did you mean "baseline"\?/],
  [
    { arms: ["baseline"], lambda: [1] },
    /^RangeError: Cannot set lambda: no arm of study "tiny" with these options has an objective$/,
  ],
  [
    { data: "esay-shapes" },
    /^TypeError: .*"data.name": unknown data set "esay-shapes"; did you mean "easy-shapes"\?/,
  ],
  [{ set: ["training.batch"] }, /^RangeError: Cannot set "training.batch": write path=value/],
  [{ set: ["=3"] }, /^RangeError: Cannot set "=3": write path=value/],
  [
    { set: ["training.stepz=3"] },
    /^RangeError: Cannot set "training.stepz": unknown field "stepz"; did you mean "steps"\?/,
  ],
  [
    { set: ["data.trainImage=3"] },
    /^RangeError: Cannot set "data.trainImage": .* did you mean "trainImages"\?/,
  ],
  [{ set: ["data.name.x=3"] }, /^RangeError: Cannot set "data.name.x": unknown field "x"/],
  [{ set: ["arms.9.lambda=[1]"] }, /^RangeError: Cannot set "arms.9.lambda": unknown field "9"/],
  [
    { set: ["__proto__.seeds=3"] },
    /^RangeError: Cannot set "__proto__.seeds": unknown field "__proto__"/,
  ],
  [
    { set: ["data.__proto__={}"] },
    /^RangeError: Cannot set "data.__proto__": unknown field "__proto__"/,
  ],
  [
    { set: ["training.steps=many"] },
    /^TypeError: Cannot read study "tiny" with these options: "training.steps": expected number, received string$/,
  ],
  [{ set: ["folds.by=image"] }, /^TypeError: .*"folds.count": |field "folds.count" is missing/],
  [{ set: ["training.batch=null"] }, /^TypeError: .*field "training.batch" is missing$/],
  [{ set: ["training.batch=1e9"] }, /^TypeError: .*"training.batch": .*16777216/],
  [{ set: ["projector.width=1e9"] }, /^TypeError: .*"projector.width": .*16777216/],
  [{ set: ["training=5"] }, /^TypeError: .*"training": expected object, received number$/],
  [{ set: ["arms.0.lambda=[1]"] }, /^TypeError: .*"arms.0.lambda": must be \[0\]/],
];

for (const [options, message] of REFUSED) {
  Deno.test(`${JSON.stringify(options)} is refused`, () => {
    assert.throws(() => applyOptions(tinyStudy(), options), message);
  });
}

Deno.test("of an analysis stays what is about the arms that are left", () => {
  const analysis = {
    primary: "paired-t" as const,
    family: ["cosine-constraint", "self-distillation"],
    claims: [{
      claim: "no collapse",
      arm: "self-distillation",
      statistic: "effectiveRank" as const,
      direction: "unchanged" as const,
      margin: 1,
    }],
  };
  const study = tinyStudy({ analysis });
  const left = applyOptions(study, { arms: ["baseline", "cosine-constraint"] });
  assert.deepEqual(left.analysis, { ...analysis, family: ["cosine-constraint"], claims: [] });
  assert.equal(applyOptions(study, { arms: ["baseline"] }).analysis, undefined);
});

Deno.test("steps that are asked for outweigh epochs, and those of every stage", () => {
  const study = tinyStudy({
    training: { ...tinyStudy().training, epochs: 3 },
    stages: [{ name: "last", train: ["P1"], draw: [], training: { steps: 400, epochs: 7 } }],
    arms: tinyStudy().arms.map((arm) => ({ ...arm, stages: ["projector", "last"] })),
  });
  const runs = expandGrid(applyOptions(study, { steps: 9 }));
  for (const { training } of runs.flatMap(({ stages }) => stages)) {
    assert.deepEqual([training.steps, training.epochs], [9, undefined]);
  }
});

Deno.test("another encoder leaves the layer that was chosen for the one before, unless it is set too", () => {
  const study = tinyStudy({ encoder: { name: "embedded", layer: -3 } });
  const layerOf = (options: StudyOptions) => applyOptions(study, options).encoder.layer;
  assert.equal(layerOf({}), -3);
  assert.equal(layerOf({ encoder: "embedded" }), -3);
  assert.equal(layerOf({ encoder: "hog" }), undefined);
  assert.equal(layerOf({ encoder: "some/clip", set: ["encoder.layer=-1"] }), -1);
});
