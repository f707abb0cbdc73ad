/** The reference losses against the golden projector losses, through the projector. */
import assert from "node:assert/strict";
import {
  type Golden,
  goldenFloat64,
  goldenTensor,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { assertClose, FLOAT64 } from "../testing/tolerance.ts";
import { cosineLoss, cosineLossBackward } from "./cosine.ts";
import { type Mlp, mlp, type MlpParameter } from "./mlp.ts";
import { liftedCosine, reconstruction, selfDistillation } from "./objectives.ts";
import { add, row, scale } from "./values.ts";
import { vicregCovariance, vicregVariance } from "./vicreg.ts";

/** What is common to all losses: the loss by z, and what else it reads. */
interface Part {
  loss: number;
  cosines?: Float64Array;
  deviations?: Float64Array;
  gradZ: Float64Array;
  gradX?: Float64Array | null;
  gradP2?: Record<MlpParameter, Float64Array> | null;
}

interface Case {
  golden: Golden;
  x: Float64Array;
  z: Float64Array;
  projector(name: string): Mlp;
}

const LOSSES: Record<string, (given: Case) => Part> = {
  a_reconstruction: ({ x, z, projector }) => reconstruction(x, z, projector("P2r")),
  b_literal: ({ golden, x, z }) =>
    liftedCosine(
      x,
      z,
      goldenFloat64(golden, "R"),
      goldenTensor(golden, "x").shape.at(-1)!,
    ),
  c_self_distillation: ({ z, projector }) => selfDistillation(z, projector("P2")),
  d_stop_target: ({ z, projector }) => selfDistillation(z, projector("P2"), "target"),
  e_stop_input: ({ z, projector }) => selfDistillation(z, projector("P2"), "input"),
  f_frozen_p2: ({ z, projector }) => selfDistillation(z, projector("P2")),
  g_vicreg_variance: variance,
  g_vicreg_covariance: covariance,
  g_vicreg(given) {
    const [v, c] = [variance(given), covariance(given)];
    const { variance_coefficient: a, covariance_coefficient: b } = given.golden.json.vicreg;
    return {
      loss: a * v.loss + b * c.loss,
      gradZ: add(scale(v.gradZ, a), scale(c.gradZ, b)),
    };
  },
};

function variance({ golden: { json }, z }: Case): Part {
  return vicregVariance(z, json.d_llm, json.vicreg);
}

function covariance({ golden: { json }, z }: Case): Part {
  return vicregCovariance(z, json.d_llm);
}

/** Cases that state projector losses; the two others of the topic have layouts of their own. */
const projectorCases = listGolden("projector_losses")
  .filter((name) => "gradients" in readGolden("projector_losses", name).json);

Deno.test("the golden projector losses hold a case with projectors", () => {
  assert.ok(projectorCases.length > 0);
});

for (const name of projectorCases) {
  Deno.test(`the reference gives the golden projector losses ${name}`, () => {
    const golden = readGolden("projector_losses", name);
    const projector = (prefix: string) => projectorOf(golden, prefix);
    const x = goldenFloat64(golden, "x");
    const p1 = mlp(x, projector("P1"));
    assertClose(p1.y, goldenFloat64(golden, "z"), FLOAT64, "z");
    for (
      const [key, names] of Object.entries<string[]>(golden.json.gradients)
    ) {
      assert.ok(LOSSES[key], `no loss of the reference computes ${key}`);
      const result = LOSSES[key]({ golden, x, z: p1.y, projector });
      const expected = (what: string) => goldenFloat64(golden, `${key}.${what}`);
      assertClose([result.loss], expected("loss"), FLOAT64, `${key}.loss`);
      if (result.cosines) {
        assertClose(result.cosines, expected("cos"), FLOAT64, `${key}.cos`);
      }
      if (result.deviations) {
        assertClose(
          result.deviations,
          expected("std"),
          FLOAT64,
          `${key}.std`,
        );
      }

      const through = p1.backward(result.gradZ);
      const gradX = result.gradX ? add(through.gradX, result.gradX) : through.gradX;
      for (const parameter of names) {
        const got = parameter === "x"
          ? gradX
          : gradientOf(parameter, through.gradients, result.gradP2);
        assertClose(
          got,
          expected(`grad.${parameter}`),
          FLOAT64,
          `${key}.grad.${parameter}`,
        );
      }
    }
  });
}

Deno.test("the reference gives the golden cosines and gradients beside zero rows", () => {
  const golden = readGolden("projector_losses", "zero_rows");
  const { d } = golden.json;
  const [x, y] = [goldenFloat64(golden, "x"), goldenFloat64(golden, "y")];
  const { loss, cosines } = cosineLoss(x, y, d);
  assertClose([loss], goldenFloat64(golden, "loss"), FLOAT64, "loss");
  assertClose(cosines, goldenFloat64(golden, "cos"), FLOAT64, "cos");
  const { gradU, gradV } = cosineLossBackward(x, y, d);
  const [expectedX, expectedY] = [
    goldenFloat64(golden, "grad.x"),
    goldenFloat64(golden, "grad.y"),
  ];
  // Row by row: one row's gradient is a million times the others.
  for (let r = 0; r < golden.json.rows; r++) {
    assertClose(
      row(gradU, r, d),
      row(expectedX, r, d),
      FLOAT64,
      `grad.x row ${r}`,
    );
    assertClose(
      row(gradV, r, d),
      row(expectedY, r, d),
      FLOAT64,
      `grad.y row ${r}`,
    );
  }
});

function projectorOf(golden: Golden, prefix: string): Mlp {
  const parameter = (name: MlpParameter) => goldenFloat64(golden, `${prefix}.${name}`);
  return {
    "0.weight": parameter("0.weight"),
    "0.bias": parameter("0.bias"),
    "2.weight": parameter("2.weight"),
    "2.bias": parameter("2.bias"),
  };
}

function gradientOf(
  parameter: string,
  gradP1: Record<MlpParameter, Float64Array>,
  gradP2: Part["gradP2"],
): Float64Array {
  const dot = parameter.indexOf(".");
  const name = parameter.slice(dot + 1) as MlpParameter;
  const gradients = parameter.slice(0, dot) === "P1" ? gradP1 : gradP2;
  assert.ok(gradients, `the loss has no gradient by ${parameter}`);
  return gradients[name];
}
