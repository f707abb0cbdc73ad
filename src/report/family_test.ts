import assert from "node:assert/strict";
import { holm } from "../evaluation/holm.ts";
import { pairedT } from "../evaluation/paired_t.ts";
import { exampleRun, exampleStudy, type RunOverrides } from "../records/example_records.ts";
import type { RunKey, RunRecord } from "../records/record.ts";
import { differenceToBaseline, groupRuns } from "./conditions.ts";
import { familyOf } from "./family.ts";

const SEEDS = [1, 2, 3, 4, 5];

/** Five seeds of a condition, with accuracies that vary by seed. */
const seeds = (overrides: RunOverrides, shift: number) =>
  SEEDS.map((seed) =>
    exampleRun({ seed, color: 0.8 + shift + 0.002 * ((seed * seed) % 5), ...overrides })
  );

const baseline = SEEDS.map((seed) => exampleRun({ seed, color: 0.8 }));

function family(arms: string[], runs: RunRecord[], planned?: RunKey[]) {
  const study = exampleStudy({ config: { analysis: { family: arms } }, planned });
  const conditions = groupRuns(runs);
  return { members: familyOf(study, conditions)!, conditions };
}

const unadjusted = (conditions: ReturnType<typeof groupRuns>, arm: string, lambda = 1) => {
  const condition = conditions.find((one) => one.arm === arm && one.lambda === lambda)!;
  return pairedT(differenceToBaseline(condition, conditions)!)!.p;
};

Deno.test("the p of the family are those of the paired t tests, adjusted together", () => {
  const runs = [
    ...baseline,
    ...seeds({ arm: "a", lambda: 1 }, 0),
    ...seeds({ arm: "b", lambda: 1 }, -0.004),
    ...seeds({ arm: "outside", lambda: 1 }, 0.1),
  ];
  const { members, conditions } = family(["a", "b"], runs);
  assert.deepEqual(members.map(({ condition }) => condition!.arm), ["a", "b"]);
  assert.deepEqual(
    members.map(({ p }) => p),
    holm([unadjusted(conditions, "a"), unadjusted(conditions, "b")]),
  );
  assert.deepEqual(members.map(({ alpha }) => alpha), [0.025, 0.025]);
});

Deno.test("members without runs, or with four seeds, have no p but count", () => {
  const runs = [
    ...baseline,
    ...seeds({ arm: "a", lambda: 1 }, 0),
    ...seeds({ arm: "b", lambda: 1 }, 0).slice(1),
  ];
  const planned = ["a", "b", "c"].flatMap((arm) => seeds({ arm, lambda: 1 }, 0));
  const { members, conditions } = family(["a", "b", "c"], runs, planned);
  assert.deepEqual(members.map(({ p }) => p), [3 * unadjusted(conditions, "a"), null, null]);
});

Deno.test("a lambda chosen among three counts three times", () => {
  const { losses } = exampleRun();
  const runs = [1, 2, 3].flatMap((lambda) =>
    seeds({
      arm: "a",
      lambda,
      losses: { ...losses, validation: [{ step: 1, accuracy: lambda === 2 ? 0.9 : 0.5 }] },
    }, 0.001 * lambda - 0.003)
  );
  // At lambda 0 it is the baseline: nothing to choose, whatever its validation.
  const atZero = seeds({
    arm: "a",
    lambda: 0,
    losses: { ...losses, validation: [{ step: 1, accuracy: 1 }] },
  }, 0);
  const { members, conditions } = family(["a"], [...baseline, ...atZero, ...runs]);
  assert.equal(members.length, 1);
  assert.equal(members[0].condition!.lambda, 2);
  assert.equal(members[0].p, Math.min(1, 3 * unadjusted(conditions, "a", 2)));
  assert.equal(members[0].alpha, 0.05 / 3);
});

Deno.test("without validation every lambda is a comparison of its own", () => {
  const { losses } = exampleRun();
  const blind = { losses: { ...losses, validation: [] } };
  const runs = [1, 2].flatMap((lambda) => seeds({ arm: "a", lambda, ...blind }, 0));
  const { members, conditions } = family(["a"], [...baseline, ...runs]);
  assert.deepEqual(members.map(({ condition, tried }) => [condition!.lambda, tried]), [
    [1, 1],
    [2, 1],
  ]);
  assert.equal(members[0].p, 2 * unadjusted(conditions, "a"));
});

Deno.test("each stage is compared, and of the rounds the last", () => {
  const runs = [
    ...baseline,
    ...seeds({ stage: "late" }, 0),
    ...["joint", "late"].flatMap((stage) =>
      [0, 1, 2].flatMap((round) => seeds({ arm: "a", lambda: 0, round, stage }, 0))
    ),
  ];
  const { members } = family(["a"], runs);
  assert.deepEqual(members.map(({ condition }) => [condition!.stage, condition!.round]), [
    ["joint", 2],
    ["late", 2],
  ]);
});

Deno.test("a study without an analysis has no family; a broken one is refused", () => {
  const conditions = groupRuns(baseline);
  assert.equal(familyOf(exampleStudy(), conditions), null);
  assert.equal(familyOf(exampleStudy({ config: null }), conditions), null);
  assert.throws(
    () => familyOf(exampleStudy({ config: { analysis: { family: [] } } }), conditions),
    /^TypeError: Cannot read the analysis of study "example": "family": /,
  );
});

Deno.test("a lambda that was planned and has no run counts among those chosen from", () => {
  const { losses } = exampleRun();
  const at = (lambda: number) =>
    seeds({
      arm: "a",
      lambda,
      losses: { ...losses, validation: [{ step: 1, accuracy: lambda === 2 ? 0.9 : 0.5 }] },
    }, 0.001 * lambda - 0.003);
  const { members, conditions } = family(
    ["a"],
    [...baseline, ...at(1), ...at(2)],
    [1, 2, 3].flatMap(at),
  );
  assert.equal(members.length, 1);
  assert.deepEqual([members[0].condition!.lambda, members[0].tried], [2, 3]);
  assert.equal(members[0].p, Math.min(1, 3 * unadjusted(conditions, "a", 2)));
  assert.equal(members[0].alpha, 0.05 / 3);
});
