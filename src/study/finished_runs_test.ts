import assert from "node:assert/strict";
import fc from "fast-check";
import { defaultPlan } from "../gpu/plan.ts";
import { exampleRun } from "../records/example_records.ts";
import type { RunRecord } from "../records/record.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import type { AblationSetting } from "./determinants.ts";
import { finishedRuns, firstDifference } from "./finished_runs.ts";
import { expandGrid, runName } from "./grid.ts";
import { runRecord } from "./run_record.ts";
import type { Study } from "./study.ts";

const adapter = {
  description: "Example Adapter",
  vendor: "example",
  architecture: "one",
  driver: "system",
  software: true,
};

/** What `finishedRuns` looks at; the rest of data set, encoder and engine takes no part. */
function settingOf(
  study: Study,
  { contentHash = "d0", form = "image" as "image" | "buffer", description = adapter.description } =
    {},
) {
  return {
    study,
    dataset: { name: "easy-shapes", contentHash },
    encoder: { name: "patches", contentHash: "e0" },
    language: { name: "random", contentHash: null },
    engine: { plan: defaultPlan(form, true) },
    adapter: { ...adapter, description },
    runs: expandGrid(study),
  } as AblationSetting;
}

/** What a stage measured, but for its name. */
const { steps, parameters, accuracy, losses, embedding, answers, weightsSha256, seconds } =
  exampleRun();
const outcome = { steps, parameters, accuracy, losses, embedding, answers, weightsSha256, seconds };

/** Records as they come back from disk, of every stage of every run of a study. */
function recordsOf(study: Study): RunRecord[] {
  const setting = settingOf(study);
  return setting.runs.flatMap((settings) =>
    settings.stages.map(({ name }) =>
      JSON.parse(JSON.stringify(runRecord(setting, settings, { ...outcome, stage: name })))
    )
  );
}

Deno.test("runs with a record are finished, the others are not", () => {
  const study = tinyStudy();
  const setting = settingOf(study);
  assert.deepEqual(finishedRuns(setting, []), new Set());
  assert.deepEqual(finishedRuns(setting, recordsOf(study)), new Set(setting.runs));
  const some = recordsOf(study).filter(({ seed, arm }) => seed === 1 && arm !== "baseline");
  assert.deepEqual(
    [...finishedRuns(setting, some)].map(runName),
    setting.runs.filter(({ seed, arm }) => seed === 1 && arm !== "baseline").map(runName),
  );
});

Deno.test("a run is finished when all of its stages have a record", () => {
  const { arms } = tinyStudy();
  const study = tinyStudy({
    arms: [{ ...arms[0], stages: ["projector", "all"] }],
    seeds: 2,
    controls: [],
  });
  const setting = settingOf(study);
  const records = recordsOf(study);
  assert.equal(records.length, 4);
  assert.deepEqual(finishedRuns(setting, records), new Set(setting.runs));
  for (const stage of ["projector", "all"]) {
    const missing = records.filter((record) => record.seed === 2 || record.stage !== stage);
    assert.deepEqual(finishedRuns(setting, missing), new Set([setting.runs[1]]));
  }
});

Deno.test("records of more seeds, arms or lambdas than asked for do not disturb", () => {
  const study = tinyStudy();
  const fewer = settingOf({ ...study, seeds: 1, arms: study.arms.slice(0, 1) });
  assert.deepEqual(finishedRuns(fewer, recordsOf(study)), new Set(fewer.runs));
});

const OTHERS: [what: string, setting: (study: Study) => AblationSetting, message: RegExp][] = [
  [
    "steps",
    (study) => settingOf({ ...study, training: { ...study.training, steps: 5 } }),
    /config.training.steps was 4, is 5/,
  ],
  [
    "an added encoder option",
    (study) => settingOf({ ...study, encoder: { ...study.encoder, pool: 2 } }),
    /config.encoder.pool was undefined, is 2/,
  ],
  [
    "data",
    (study) => settingOf(study, { contentHash: "d1" }),
    /config.data.contentHash was "d0", is "d1"/,
  ],
  [
    "encoder weights",
    (study) => ({
      ...settingOf(study),
      encoder: { name: "patches", contentHash: "e1" } as AblationSetting["encoder"],
    }),
    /config.encoder.contentHash was "e0", is "e1"/,
  ],
  [
    "language model weights",
    (study) => ({
      ...settingOf(study),
      language: { name: "random", contentHash: "l1" } as AblationSetting["language"],
    }),
    /config.llm.contentHash was null, is "l1"/,
  ],
  [
    "a driver",
    (study) => ({ ...settingOf(study), adapter: { ...adapter, driver: "lavapipe" } }),
    /driver was "system", is "lavapipe"/,
  ],
  [
    "evaluation",
    (study) => settingOf({ ...study, evaluation: { ...study.evaluation, embeddingImages: 5 } }),
    /config.evaluation.embeddingImages was 4, is 5/,
  ],
  [
    "a projector's width",
    (study) => settingOf({ ...study, projector: { width: 8 } }),
    /config.projector.width was 0, is 8/,
  ],
  [
    "operand form",
    (study) => settingOf(study, { form: "buffer" }),
    /config.kernelPlan.form was "image", is "buffer"/,
  ],
  [
    "adapter",
    (study) => settingOf(study, { description: "Another" }),
    /adapter was "Example Adapter", is "Another"/,
  ],
  [
    "adapters",
    (study) => settingOf({ ...study, lora: { ...study.lora, dropout: 0.5 } }),
    /config.lora.dropout was 0, is 0.5/,
  ],
  [
    "folds",
    (study) => settingOf({ ...study, folds: { count: 2, by: "image", seed: 0 } }),
    /config.data.folds was undefined, is /,
  ],
  [
    "settings of a stage",
    (study) => {
      const training = { learningRate: 1 };
      const stages = [{ name: "all", train: ["P1" as const], draw: [], training }];
      return settingOf({ ...study, stages });
    },
    /config.stages.0.train.1 was "P2", is undefined/,
  ],
  [
    "stages under the same arm's name",
    (study) =>
      settingOf({
        ...study,
        arms: study.arms.map((arm) => ({ ...arm, stages: ["projector"] })),
      }),
    /config.stages.0.name was "all", is "projector"/,
  ],
  [
    "weights that are tested",
    (study) => ({ ...settingOf(study), from: "aa" }),
    /config.from was undefined, is "aa"/,
  ],
  [
    "objective under the same arm's name",
    (study) =>
      settingOf({
        ...study,
        arms: study.arms.map((arm) => ({ ...arm, objective: "self-distillation", lambda: [0, 1] })),
      }),
    /objective was "none", is "self-distillation"/,
  ],
];

for (const [what, setting, message] of OTHERS) {
  Deno.test(`records made with other settings are refused: ${what}`, () => {
    const study = tinyStudy();
    assert.throws(() => finishedRuns(setting(study), recordsOf(study)), (error: Error) => {
      assert.ok(error instanceof RangeError);
      assert.match(
        error.message,
        /^Cannot resume: record "baseline_lambda-0_seed-1.json" was made with other settings \(/,
      );
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("a record of another study's settings is refused even where its arm is not asked for now", () => {
  const study = tinyStudy();
  const rest = recordsOf(study).filter(({ arm }) => arm !== "baseline");
  const changed = {
    ...study,
    training: { ...study.training, batch: 3 },
    arms: study.arms.slice(0, 1),
  };
  assert.throws(() => finishedRuns(settingOf(changed), rest), /config.training.batch was 2, is 3/);
});

Deno.test("the first difference is named by its path", () => {
  assert.equal(firstDifference({ a: { b: [1, 2] } }, { a: { b: [1, 3] } }), "a.b.1 was 2, is 3");
  assert.equal(firstDifference({ a: 1 }, {}), "a was 1, is undefined");
  assert.equal(firstDifference({}, { a: null }), "a was undefined, is null");
  assert.equal(firstDifference({ a: { b: 1 } }, { a: 1 }), 'a was {"b":1}, is 1');
  assert.equal(firstDifference({ a: 1, b: 2 }, { b: 2, a: 1 }), undefined, "order says nothing");
  assert.equal(firstDifference({ a: undefined }, {}), undefined, "JSON keeps no undefined");
});

Deno.test("JSON values differ from nothing but other values", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
    assert.equal(firstDifference(a, structuredClone(a)), undefined);
    assert.equal(firstDifference(a, b) === undefined, firstDifference(b, a) === undefined);
  }));
});

Deno.test("an arm of the same name with another lambda schedule, teacher or option is another arm", () => {
  const [baseline, , self] = tinyStudy().arms;
  const vicreg = { ...self, objective: "vicreg", lambda: [1] };
  const changes: [before: typeof self, now: typeof self, message: RegExp][] = [
    [
      { ...self, lambda: [1] },
      { ...self, lambda: [1], lambdaSchedule: "cosine" },
      /config.lambdaSchedule was undefined, is "cosine"/,
    ],
    [
      { ...baseline, rounds: { count: 1, xi: 0.5 } },
      { ...baseline, rounds: { count: 1, xi: 0.25 } },
      /config.xi was 0.5, is 0.25/,
    ],
    [
      { ...vicreg, options: { variance: 25 } },
      { ...vicreg, options: { variance: 3 } },
      /config.objectiveOptions.variance was 25, is 3/,
    ],
  ];
  for (const [before, now, message] of changes) {
    const study = (arm: typeof self) => tinyStudy({ arms: [arm], seeds: 1, controls: [] });
    assert.throws(() => finishedRuns(settingOf(study(now)), recordsOf(study(before))), message);
    // And where nothing changed, nothing is refused.
    assert.equal(
      finishedRuns(settingOf(study(before)), recordsOf(study(before))).size,
      expandGrid(study(before)).length,
    );
  }
});
