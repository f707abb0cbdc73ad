/**
 * The engine's number stands for what this training gives. If it fails after a change that is meant,
 * raise ENGINE and write the new losses here: runs of the engine before it are then not gone on with.
 */
import assert from "node:assert/strict";
import { testEngines } from "../testing/gpu.ts";
import { prepareTiny } from "../testing/tiny_data.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { ENGINE } from "./engine_number.ts";
import { run } from "./run.ts";

/** Loss of each step by engine, at adapters that round in their own ways. */
const TRAJECTORY = {
  engine: 1,
  tokenLosses: [6.60017, 6.61655, 6.4659, 5.56085],
  cosineLosses: [1.29976, 1.24822, 1.15079, 1.0772],
};
const TOLERANCE = 2e-4;

Deno.test("the trajectory of a small training is the one that the engine's number stands for", async () => {
  const [engine] = await testEngines();
  const { data, runs } = await prepareTiny(tinyStudy());
  const settings = runs.find(({ arm, lambda }) => arm === "self-distillation" && lambda === 1)!;
  const [{ losses: { curve } }] = await Array.fromAsync(run(engine, settings, data));
  assert.equal(ENGINE, TRAJECTORY.engine);
  const close = (actual: (number | null)[], expected: number[]) => {
    assert.equal(actual.length, expected.length);
    expected.forEach((value, i) => {
      assert.ok(Math.abs(actual[i]! - value) <= TOLERANCE, `${actual} is not ${expected}`);
    });
  };
  close(curve.map(({ tokenLoss }) => tokenLoss), TRAJECTORY.tokenLosses);
  close(curve.map(({ cosineLoss }) => cosineLoss), TRAJECTORY.cosineLosses);
});
