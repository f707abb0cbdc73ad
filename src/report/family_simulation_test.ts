/**
 * Sets of made-up records through the report's own verdicts: how often chance wins, and how often a
 * true effect of the size that `power` recommends is found.
 */
import assert from "node:assert/strict";
import { type RandomStream, stream } from "../data/random.ts";
import { verdict } from "../evaluation/intervals.ts";
import { smallestDetectableEffect } from "../evaluation/power.ts";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import type { RunRecord } from "../records/record.ts";
import { groupRuns } from "./conditions.ts";
import { familyOf } from "./family.ts";

const SETS = 1000;
const SEEDS = 6;
const ARMS = ["a", "b", "c"];
const IMAGES = 60;
const QUESTIONS_OF_IMAGE = 10;
/** Standard deviation of what a seed does to an arm, as a share: half a point. */
const SEED_EFFECT = 0.005;
/** A question is one that models answer nearly always, or one that they nearly never do. */
const EASY = 0.9, HARD = 0.1;

/** A fine grid: were the chosen lambda not corrected for them, chance would win in 122 of these sets. */
const LAMBDAS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/** Chance of a right answer by question. Pictures differ in how many of their questions are easy. */
function drawQuestions(random: RandomStream): number[] {
  return Array.from({ length: IMAGES }, () => 0.5 + random.uniform() / 2).flatMap((easy) =>
    Array.from({ length: QUESTIONS_OF_IMAGE }, () => random.uniform() < easy ? EASY : HARD)
  );
}

/** Share of right answers where `shift` is added to every chance. Three answers a random number. */
function answer(random: RandomStream, questions: readonly number[], shift: number): number {
  const scale = 2 ** 17;
  let right = 0;
  for (let q = 0; q < questions.length; q += 3) {
    let bits = random.uniform() * scale;
    for (let i = q; i < q + 3; i++) {
      const drawn = Math.floor(bits);
      if (drawn < (questions[i] + shift) * scale) right++;
      bits = (bits - drawn) * scale;
    }
  }
  return right / questions.length;
}

const record = (arm: string, seed: number, accuracy: number) =>
  exampleRun({ arm, seed, lambda: arm === "baseline" ? 0 : 1, color: accuracy, yesNo: accuracy });

/** One study: every arm at every seed, with a true effect of each arm. */
function drawStudy(random: RandomStream, effects: Record<string, number>): RunRecord[] {
  const questions = drawQuestions(random);
  return ["baseline", ...ARMS].flatMap((arm) =>
    Array.from({ length: SEEDS }, (_, seed) => {
      const shift = (effects[arm] ?? 0) + SEED_EFFECT * random.normal();
      return record(arm, seed + 1, answer(random, questions, shift));
    })
  );
}

/** Arms with a verdict, and which it is. */
function winners(arms: readonly string[], runs: readonly RunRecord[]): string[] {
  const study = exampleStudy({ config: { analysis: { family: arms } } });
  return familyOf(study, groupRuns(runs))!.flatMap(({ condition, difference, p }) => {
    const said = verdict(difference!, p!);
    return said === "cannot tell" ? [] : [`${condition!.arm} ${said}`];
  });
}

/** Of so many sets, how many have what is looked for. */
function countSets(name: string, has: (random: RandomStream) => boolean): number {
  const random = stream(0, name);
  let found = 0;
  for (let set = 0; set < SETS; set++) if (has(random)) found++;
  return found;
}

Deno.test("without a true effect 65 of 1,000 sets at most show a winner or a loser", () => {
  const found = countSets("null", (random) => winners(ARMS, drawStudy(random, {})).length > 0);
  assert.ok(found > 5 && found <= 65, `${found}`);
});

Deno.test("an effect that power recommends for 90 % is found in 860 of 1,000 sets or more", () => {
  const noise = 2 * EASY * (1 - EASY) / (IMAGES * QUESTIONS_OF_IMAGE);
  const effect = smallestDetectableEffect({
    sd: Math.sqrt(2 * SEED_EFFECT ** 2 + noise),
    seeds: SEEDS,
    alpha: 0.05 / ARMS.length,
    power: 0.9,
  });
  const found = countSets(
    "effect",
    (random) => winners(ARMS, drawStudy(random, { b: effect })).includes("b higher"),
  );
  assert.ok(found >= 860 && found < 960, `${found}`);
});

Deno.test("the lambda that validation prefers wins no more often by chance", () => {
  // The worst case: a seed is as lucky on validation as on test, and nothing else varies.
  const found = countSets("lambda", (random) => {
    const { losses } = exampleRun();
    const runs = ["baseline", "a"].flatMap((arm) =>
      (arm === "baseline" ? [0] : LAMBDAS).flatMap((lambda) =>
        Array.from({ length: SEEDS }, (_, seed) => {
          const accuracy = 0.75 + SEED_EFFECT * random.normal();
          return {
            ...record(arm, seed + 1, accuracy),
            lambda,
            losses: { ...losses, validation: [{ step: 1, accuracy }] },
          };
        })
      )
    );
    return winners(["a"], runs).length > 0;
  });
  assert.ok(found > 0 && found <= 65, `${found}`);
});
