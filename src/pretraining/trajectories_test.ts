/** The first steps of both pre-trainings are the committed ones. */
import assert from "node:assert/strict";
import committed from "../models/weights/trajectories.json" with { type: "json" };
import { formOf, testEngines } from "../testing/gpu.ts";
import { languageTrajectory, visionTrajectory } from "./trajectories.ts";

/** Adapters and operand forms add in different orders; after six steps that is still little. */
const RELATIVE = 2e-3;

const [engine] = await testEngines();

const TRAJECTORIES = { language: languageTrajectory, vision: visionTrajectory };

for (const name of ["language", "vision"] as const) {
  Deno.test(`the first steps of the ${name} pre-training are the committed ones ${formOf(engine)}`, async () => {
    const curve: object[] = await TRAJECTORIES[name](engine);
    assert.equal(curve.length, committed[name].length);
    for (const [i, point] of curve.entries()) {
      const expected: Record<string, number> = committed[name][i];
      assert.deepEqual(Object.keys(point), Object.keys(expected));
      for (const [key, value] of Object.entries(point)) {
        const tolerance = key === "heldOutAccuracy" ? 2 / 64 : RELATIVE * Math.abs(expected[key]);
        assert.ok(
          Math.abs(value - expected[key]) <= tolerance,
          `step ${i + 1}: ${key} is ${value}, not ${expected[key]}`,
        );
      }
    }
  });
}
