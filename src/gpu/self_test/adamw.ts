/** One AdamW update of two groups, with and without clipping. */
import { traceAdamW } from "../../nn/adamw.ts";
import { adamwStep, clipFactor, globalNorm } from "../../testing/reference/adamw.ts";
import { scale } from "../../testing/reference/values.ts";
import { writeMatrix } from "../memory.ts";
import type { Bench } from "./bench.ts";
import { GROUPS, STEP, UPDATES } from "./step.ts";

/** Must be traced behind the backward pass: it reads the gradients gathered there. */
export function adamwCase({ tape, random, draw, array, expect }: Bench): void {
  const { device } = tape.engine;
  const ring = array(4 * (STEP.slot + 1));
  const groups = ([0, 1] as const).map((index) => {
    const members = ["a", "b"].map((letter, i) => {
      const weight = random(33 - 30 * i, 18);
      const gradient = random(33 - 30 * i, 18);
      tape.accumulate(weight.tensor, () => gradient.tensor);
      return {
        name: `${letter}${index}`,
        tensor: weight.tensor,
        decay: true,
        values: weight.values,
        gradient: gradient.values,
      };
    });
    return { index, members };
  });
  const { moments } = traceAdamW(
    tape,
    groups.map(({ index, members }) => ({
      parameters: members,
      settings: GROUPS[index],
      optimizerGroup: index,
      clipGroup: index,
      clip: GROUPS[index].clip,
    })),
    ring,
  );
  const norms = groups.map(({ members }) => globalNorm(members.map(({ gradient }) => gradient)));
  expect("gradient_squares, clip_scale", {
    array: ring,
    type: "f32",
    first: 4 * STEP.slot + 2,
  }, norms);
  for (const { index, members } of groups) {
    const factor = clipFactor(norms[index], GROUPS[index].clip || null);
    for (const { name, tensor, values, gradient } of members) {
      const { m, v } = moments.get(name)!;
      const before = {
        parameter: values,
        m: draw(values.length),
        v: draw(values.length).map(Math.abs),
      };
      writeMatrix(device, m.matrix!, Float32Array.from(before.m));
      writeMatrix(device, v.matrix!, Float32Array.from(before.v));
      const after = adamwStep(before, scale(gradient, factor), UPDATES, GROUPS[index]);
      expect("adamw", tensor, after.parameter);
      expect("adamw", m, after.m);
      expect("adamw", v, after.v);
    }
  }
}
