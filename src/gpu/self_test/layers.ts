/** RMSNorm and SwiGLU with their gradients. */
import { rmsNorm } from "../../tensor/norm.ts";
import { swiglu } from "../../tensor/swiglu.ts";
import { joinColumns } from "../../testing/heads.ts";
import { rmsNorm as referenceRmsNorm, rmsNormBackward } from "../../testing/reference/rms_norm.ts";
import { swiglu as referenceSwiglu, swigluBackward } from "../../testing/reference/swiglu.ts";
import { add } from "../../testing/reference/values.ts";
import type { Bench } from "./bench.ts";
import { HIDDEN, ROWS } from "./sizes.ts";

const EPS = 1e-5;

/** Once alone and once where a residual has brought its gradient already. */
export function rmsNormCases({ tape, random, expect }: Bench): void {
  for (const withBase of [false, true]) {
    const x = random(ROWS, HIDDEN);
    const weight = random(1, HIDDEN);
    const dy = random(ROWS, HIDDEN);
    const base = withBase ? random(ROWS, HIDDEN) : undefined;
    const y = rmsNorm(tape, x.tensor, weight.tensor, EPS);
    tape.accumulate(y, () => dy.tensor);
    if (base) tape.accumulate(x.tensor, () => base.tensor);
    const { gradX, gradWeight } = rmsNormBackward(x.values, weight.values, dy.values, EPS);
    expect("rms_norm_forward", y, referenceRmsNorm(x.values, weight.values, EPS));
    expect(
      base ? "rms_norm_backward with residual" : "rms_norm_backward",
      { tensor: () => tape.gradientOf(x.tensor)! },
      base ? add(gradX, base.values) : gradX,
    );
    expect(
      "rms_norm_weight_gradient",
      { tensor: () => tape.gradientOf(weight.tensor)! },
      gradWeight,
    );
  }
}

/** Gate and up-projection side by side. */
export function swigluCase({ tape, random, matrix, expect }: Bench): void {
  const sides = (gate: ArrayLike<number>, up: ArrayLike<number>) =>
    joinColumns(ROWS, [{ columns: HIDDEN, data: gate }, { columns: HIDDEN, data: up }]);
  const gate = random(ROWS, HIDDEN, 6).values;
  const up = random(ROWS, HIDDEN).values;
  const dy = random(ROWS, HIDDEN);
  const x = matrix(ROWS, 2 * HIDDEN, sides(gate, up));
  const y = swiglu(tape, x.tensor);
  tape.accumulate(y, () => dy.tensor);
  const { gradGate, gradUp } = swigluBackward(gate, up, dy.values);
  expect("swiglu_forward", y, referenceSwiglu(gate, up));
  expect("swiglu_backward", { tensor: () => tape.gradientOf(x.tensor)! }, sides(gradGate, gradUp));
}
