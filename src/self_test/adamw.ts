/** One AdamW update of two groups, with and without clipping, and the bound of a parameter. */
import { traceAdamW } from "../nn/adamw.ts";
import { limitParameter } from "../nn/limit.ts";
import { createParameters } from "../nn/parameters.ts";
import { adamwStep, clipFactor, globalNorm } from "../reference/adamw.ts";
import { dot, row, scale } from "../reference/values.ts";
import type { Bench } from "./bench.ts";
import { WIDTH } from "./sizes.ts";
import { GROUPS, STEP, UPDATES } from "./step.ts";

/** Rows of a group's parameters, which lie below each other. */
const MEMBERS = [33, 3];

/** Two parameters a group: sums of squares, norms with clip factors, and the update. */
export function adamwCase({ tape, draw, array, give, commands, expect }: Bench): void {
  const ring = array(4 * (STEP.slot + 1));
  traceAdamW(
    tape,
    ([0, 1] as const).map((index) => {
      const parameters = createParameters(
        tape.engine,
        MEMBERS.map((rows, i) => ({
          name: `${index} ${i}`,
          rows,
          columns: WIDTH,
          values: new Float32Array(rows * WIDTH),
        })),
      );
      for (const { tensor } of parameters) {
        tape.accumulate(tensor, () => tape.tensor("gradient", tensor.rows, WIDTH));
      }
      return {
        parameters,
        settings: GROUPS[index],
        optimizerGroup: index,
        clipGroup: index,
        clip: GROUPS[index].clip,
      };
    }),
    ring,
  );
  const updates = commands("adamw").map(({ matrices }, index) => {
    const count = matrices.gradient.rows * WIDTH;
    const single = () => draw(count).map(Math.fround);
    const [gradient, parameter, m] = [single(), single(), single()];
    const v = single().map(Math.abs);
    give(matrices.gradient, gradient);
    give(matrices.master, parameter);
    give(matrices.m, m);
    give(matrices.v, v);
    const norm = globalNorm([gradient]);
    const factor = clipFactor(norm, GROUPS[index].clip || null);
    const before = { parameter, m, v };
    const after = adamwStep(before, scale(gradient, factor), UPDATES, GROUPS[index]);
    for (const result of [matrices.master, matrices.mirror]) {
      if (result) expect("adamw", result, after.parameter);
    }
    expect("adamw", matrices.m, after.m);
    expect("adamw", matrices.v, after.v);
    return { gradient, norm, factor };
  });
  const [{ arrays: { partial, norms } }] = commands("clip_scale");
  const squares = updates.flatMap(({ gradient }) =>
    Array.from({ length: gradient.length / WIDTH }, (_, r) => {
      const one = row(gradient, r, WIDTH);
      return dot(one, one);
    })
  );
  expect("gradient_squares", partial, squares);
  expect("clip_scale", norms, updates.flatMap(({ norm, factor }) => [norm, factor]), {
    // A norm is much larger than the factor that it leads to, and one factor than the other.
    quantities: 4,
  });
  expect("clip_scale", ring, updates.map(({ norm }) => norm), { first: 4 * STEP.slot + 2 });
}

/** Numbers below and above the bound. */
export function limitCase({ tape, draw, give, commands, expect }: Bench): void {
  const values = new Float32Array(MEMBERS[0] * WIDTH);
  const [parameter] = createParameters(tape.engine, [
    { name: "limited", rows: MEMBERS[0], columns: WIDTH, values },
  ]);
  limitParameter(tape, parameter, 0.25);
  const [{ matrices: { master, mirror } }] = commands("limit");
  const before = draw(values.length).map(Math.fround);
  give(master, before);
  for (const result of [master, mirror]) {
    if (result) expect("limit", result, before.map((value) => Math.min(value, 0.25)));
  }
}
