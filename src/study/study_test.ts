import assert from "node:assert/strict";
import { tinyStudy } from "../testing/tiny_study.ts";
import { parseStudy } from "./study.ts";

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
  ["model.kvHeads", 3, /"model.kvHeads": 3 does not divide 2 heads$/],
  ["model.headDim", 7, /"model.headDim": 7 is odd/],
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

Deno.test("what is no object is refused", () => {
  for (const value of [null, [], "quick", 3]) {
    assert.throws(
      () => parseStudy(value, "study.json"),
      /^TypeError: Cannot read study study.json: expected object/,
    );
  }
});

Deno.test("a study is read as it stands", () => {
  const study = tinyStudy();
  assert.deepEqual(parseStudy(JSON.parse(JSON.stringify(study)), "study.json"), study);
});
