/** The reference optimiser against the golden runs: every step of every parameter. */
import { goldenFloat64, goldenTensor, listGolden, readGolden } from "../testing/golden.ts";
import { assertClose } from "../testing/tolerance.ts";
import {
  adamwStart,
  type AdamwState,
  adamwStep,
  clipFactor,
  globalNorm,
  warmupCosine,
} from "./adamw.ts";
import { row, scale } from "./values.ts";

interface Group {
  params: string[];
  lr: number;
  weight_decay: number;
  beta1: number;
  beta2: number;
  eps: number;
}

// No absolute part: the second moments are as small as 1e-18.
const tolerance = { rtol: 1e-9, atol: 0 };

for (const name of listGolden("adamw")) {
  Deno.test(`the reference gives the golden AdamW run ${name}`, () => {
    const golden = readGolden("adamw", name);
    const { steps, warmup_steps: warmupSteps, clip_global_norm: clip } = golden.json;
    const groups: Group[] = golden.json.groups;
    const names = groups.flatMap(({ params }) => params);
    const elements = (parameter: string) => goldenTensor(golden, `m.${parameter}`).data.length;
    const at = (tensor: string, step: number, parameter: string) =>
      row(
        goldenFloat64(golden, `${tensor}.${parameter}`),
        step,
        elements(parameter),
      );

    const states = new Map<string, AdamwState>(
      names.map((
        parameter,
      ) => [parameter, adamwStart(at("params", 0, parameter))]),
    );
    for (let step = 0; step < steps; step++) {
      const gradients = new Map(
        names.map((parameter) => [parameter, at("grads", step, parameter)]),
      );
      const norm = globalNorm([...gradients.values()]);
      const expectedNorm = goldenFloat64(golden, "total_norm").subarray(
        step,
        step + 1,
      );
      assertClose(
        [norm],
        expectedNorm,
        tolerance,
        `total_norm at step ${step}`,
      );

      const lr = groups.map((group) => group.lr * warmupCosine(step, warmupSteps, steps));
      const expectedLr = row(goldenFloat64(golden, "lr"), step, groups.length);
      assertClose(lr, expectedLr, tolerance, `lr at step ${step}`);

      for (const [index, group] of groups.entries()) {
        const settings = {
          ...group,
          lr: lr[index],
          weightDecay: group.weight_decay,
        };
        for (const parameter of group.params) {
          const gradient = scale(
            gradients.get(parameter)!,
            clipFactor(norm, clip),
          );
          const next = adamwStep(
            states.get(parameter)!,
            gradient,
            step,
            settings,
          );
          const expected = at("params", step + 1, parameter);
          assertClose(
            next.parameter,
            expected,
            tolerance,
            `${parameter} after step ${step}`,
          );
          states.set(parameter, next);
        }
      }
    }
    for (const [parameter, { m, v }] of states) {
      assertClose(
        m,
        goldenFloat64(golden, `m.${parameter}`),
        tolerance,
        `m.${parameter}`,
      );
      assertClose(
        v,
        goldenFloat64(golden, `v.${parameter}`),
        tolerance,
        `v.${parameter}`,
      );
    }
  });
}
