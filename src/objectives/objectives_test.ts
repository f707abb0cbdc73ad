/**
 * The objectives on both operand forms: each against its float64 reference, and through both
 * projectors against the golden losses.
 */
import assert from "node:assert/strict";
import type { ConnectorWidths } from "../connectors/connector.ts";
import { mlpConnector } from "../connectors/mlp.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { mlp, mlpSpecs } from "../nn/mlp.ts";
import { takeColumns } from "../reference/heads.ts";
import type { Mlp } from "../reference/mlp.ts";
import {
  liftedCosine,
  type ObjectiveResult,
  reconstruction,
  selfDistillation,
} from "../reference/objectives.ts";
import { randomValues } from "../reference/random_values.ts";
import { add, scale } from "../reference/values.ts";
import { vicregCovariance, vicregVariance } from "../reference/vicreg.ts";
import { cosineLoss } from "../tensor/losses.ts";
import {
  goldenFloat64,
  goldenTensor,
  goldenTolerance,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { formOf, runOnce, testEngines, upload } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { OBJECTIVES } from "./objectives.ts";

/** A golden loss and the objective that computes it. */
interface GoldenLoss {
  key: string;
  objective: string;
  options?: unknown;
  /** The golden name of its P2. */
  p2?: string;
  /** Whether P2 stays as it is. */
  frozen?: boolean;
}

const GOLDEN_LOSSES: GoldenLoss[] = [
  { key: "a_reconstruction", objective: "cosine-constraint", p2: "P2r" },
  { key: "b_literal", objective: "cosine-constraint-lifted" },
  { key: "c_self_distillation", objective: "self-distillation" },
  { key: "d_stop_target", objective: "self-distillation-stopgrad" },
  { key: "f_frozen_p2", objective: "self-distillation", frozen: true },
  {
    key: "g_vicreg_variance",
    objective: "vicreg",
    options: { variance: 1, covariance: 0, gamma: 1 },
  },
  {
    key: "g_vicreg_covariance",
    objective: "vicreg",
    options: { variance: 0, covariance: 1, gamma: 1 },
  },
  { key: "g_vicreg", objective: "vicreg", options: { gamma: 1 } },
];

const projectorCases = listGolden("projector_losses")
  .filter((name) => "gradients" in readGolden("projector_losses", name).json);

/** Of the projectors of a case; what depends on a decoder or on pictures plays no part. */
const widthsOf = (
  { d_v: vision, d_llm: hidden, hidden: projector }: Record<string, number>,
): ConnectorWidths => ({
  ...{ vision, projector, hidden, tokens: 1, layers: 1 },
  heads: { heads: 1, headWidth: 4, headDim: 4 },
});

const WIDTHS = { vision: 11, hidden: 14, textDeviation: () => 0.6 };
const TOKENS = 10;
const LAMBDA = 0.7;

type Values = Record<string, Float64Array>;

/** A loss and its gradients by z, and by x and P2 where they enter it. */
type Reference = (
  x: Float64Array,
  z: Float64Array,
  own: Values,
) => Omit<ObjectiveResult, "cosines">;

const p2Of = (own: Values) =>
  Object.fromEntries(
    Object.entries(own).map(([name, values]) => [name.replace("P2.", ""), values]),
  ) as unknown as Mlp;

/** By name; an objective that traces nothing has none. */
const REFERENCES: Record<string, Reference | null> = {
  "none": null,
  "cosine-constraint": (x, z, own) => reconstruction(x, z, p2Of(own)),
  "cosine-constraint-lifted": (x, z, { R }) => liftedCosine(x, z, R, WIDTHS.vision),
  "self-distillation": (_x, z, own) => selfDistillation(z, p2Of(own)),
  "self-distillation-stopgrad": (_x, z, own) => selfDistillation(z, p2Of(own), "target"),
  "vicreg"(_x, z, { gamma: [gamma] }) {
    const { variance: mu, covariance: nu } = OBJECTIVES.vicreg.options.parse({}) as {
      variance: number;
      covariance: number;
    };
    const variance = vicregVariance(z, WIDTHS.hidden, { gamma, eps: 1e-4 });
    const covariance = vicregCovariance(z, WIDTHS.hidden);
    return {
      loss: mu * variance.loss + nu * covariance.loss,
      gradZ: add(scale(variance.gradZ, mu), scale(covariance.gradZ, nu)),
      gradX: null,
      gradP2: null,
    };
  },
};

Deno.test("every objective has a float64 reference, and no other name has one", () => {
  assert.deepEqual(Object.keys(REFERENCES).toSorted(), Object.keys(OBJECTIVES).toSorted());
});

for (const engine of await testEngines()) {
  for (const [name, objective] of Object.entries(OBJECTIVES)) {
    Deno.test(`objective ${name} and its gradients agree with the reference ${formOf(engine)}`, async () => {
      const draw = (seed: number, { rows, columns }: Shape) =>
        Float64Array.from(randomValues(seed, rows * columns), Math.fround);
      const options = objective.options.parse({});
      const specs = objective.parameters(WIDTHS, options);
      const shapes = [
        { name: "x", rows: TOKENS, columns: WIDTHS.vision },
        { name: "z", rows: TOKENS, columns: WIDTHS.hidden },
        ...specs,
      ];
      const values: Values = Object.fromEntries(shapes.map((shape, i) => [
        shape.name,
        "initialisation" in shape && shape.initialisation.kind === "constant"
          ? Float64Array.of(Math.fround(shape.initialisation.value))
          : draw(i + 1, shape),
      ]));
      const tensors = new Map(
        shapes.map((shape) => [shape.name, upload(engine, shape.name, shape, values[shape.name])]),
      );
      for (const { name, fixed } of specs) tensors.get(name)!.needsGradient = !fixed;
      const [x, z] = [tensors.get("x")!, tensors.get("z")!];
      const reference = REFERENCES[name]?.(values.x, values.z, values);
      let traced = true;
      const read = await runOnce(engine, (tape) => {
        const loss = objective.trace(tape, { x, z, parameters: tensors, options });
        traced = loss !== undefined;
        // Something has to be read where nothing is traced.
        if (!loss) return { x };
        tape.backward();
        return {
          loss,
          ...Object.fromEntries(
            [...tensors].map(([name, tensor]) => [`grad.${name}`, tape.gradientOf(tensor)]),
          ),
        };
      }, { lambda: LAMBDA });
      assert.equal(traced, reference !== undefined);
      if (!reference) return;
      const losses = takeColumns(read.loss, 4, 0, 1);
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      const tolerance = { rtol: 5e-5, atol: 2e-6 };
      assertClose([mean], [reference.loss], tolerance, "loss");
      const { gradX, gradZ, gradP2 } = reference;
      const wanted = new Map<string, Float64Array>([
        ["z", gradZ],
        ...(gradX ? [["x", gradX] as const] : []),
        ...Object.entries(gradP2 ?? {}).map(([name, values]) => [`P2.${name}`, values] as const),
      ]);
      assert.deepEqual(
        [...wanted.keys()].toSorted(),
        [...tensors.keys()].filter((name) => read[`grad.${name}`]).toSorted(),
      );
      for (const [name, gradient] of wanted) {
        assertClose(
          read[`grad.${name}`],
          scale(gradient, LAMBDA),
          tolerance,
          `gradient of ${name}`,
        );
      }
    });
  }

  for (const name of projectorCases) {
    for (const { key, objective: objectiveName, options, p2 = "P2", frozen } of GOLDEN_LOSSES) {
      const objective = OBJECTIVES[objectiveName];
      const title = `${objectiveName} gives the golden ${key} of ${name} ${formOf(engine)}`;
      Deno.test(title, async () => {
        const golden = readGolden("projector_losses", name);
        const widths = { ...widthsOf(golden.json), textDeviation: () => NaN };
        const { vision } = widths;
        const chosen = objective.options.parse(options ?? {});
        const names: string[] = golden.json.gradients[key];
        const load = (own: string, shape: Shape, values: ArrayLike<number>) =>
          [own, upload(engine, own, shape, Float64Array.from(values))] as const;
        const p1 = new Map(
          mlpConnector.parameters(widths).map((spec) =>
            load(spec.name, spec, goldenFloat64(golden, spec.name))
          ),
        );
        const own = new Map(
          objective.parameters(widths, chosen).map((spec) => {
            const { initialisation } = spec;
            const values = initialisation.kind === "constant"
              ? [initialisation.value]
              : goldenFloat64(golden, spec.name.replace("P2", p2));
            const loaded = load(spec.name, spec, values);
            loaded[1].needsGradient = !(frozen || spec.fixed);
            return loaded;
          }),
        );
        const tokens = goldenTensor(golden, "x").data.length / vision;
        const [, x] = load("x", { rows: tokens, columns: vision }, goldenFloat64(golden, "x"));
        const gradients = new Map<string, Tensor>([
          ...p1,
          ...[...own].filter(([, tensor]) => tensor.needsGradient)
            .map(([name, tensor]) => [name.replace("P2", p2), tensor] as const),
          ["x", x],
        ]);
        assert.deepEqual([...gradients.keys()].sort(), names.toSorted());

        const read = await runOnce(engine, (tape) => {
          const z = mlpConnector.trace(tape, x, p1);
          const loss = objective.trace(tape, { x, z, parameters: own, options: chosen });
          tape.backward();
          return {
            z,
            loss,
            ...Object.fromEntries(
              [...gradients].map(([name, tensor]) => [`grad.${name}`, tape.gradientOf(tensor)]),
            ),
          };
        }, { lambda: 1 });

        const tolerance = (what: string) => goldenTolerance(golden.json, what);
        const want = (what: string) => goldenFloat64(golden, `${key}.${what}`);
        assertClose(read.z, goldenFloat64(golden, "z"), tolerance("loss"), "z");
        if (objective.rows === "tokens") {
          assertClose(takeColumns(read.loss, 4, 1, 1), want("cos"), tolerance("cos"), "cos");
        }
        const losses = takeColumns(read.loss, 4, 0, 1);
        const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
        assertClose([mean], want("loss"), tolerance("loss"), "loss");
        const gradient = tolerance(key.startsWith("g_") ? "grad of g_vicreg*" : "grad");
        for (const parameter of names) {
          const label = `grad.${parameter}`;
          assertClose(read[label], want(label), gradient, label);
        }
      });
    }
  }

  for (const name of projectorCases) {
    // No objective is this one; it is the other half of what self-distillation sends back.
    Deno.test(`with P2's input detached the loss gives the golden e_stop_input of ${name} ${formOf(engine)}`, async () => {
      const golden = readGolden("projector_losses", name);
      const widths = widthsOf(golden.json);
      const { vision, hidden } = widths;
      const load = (label: string, { rows, columns }: Shape) =>
        upload(engine, label, { rows, columns }, goldenFloat64(golden, label));
      const p1 = mlpConnector.parameters(widths);
      const p2 = mlpSpecs("P2", { in: hidden, hidden, out: hidden });
      const parameters = new Map([...p1, ...p2].map((spec) => [spec.name, load(spec.name, spec)]));
      const x = load("x", {
        rows: goldenTensor(golden, "x").data.length / vision,
        columns: vision,
      });
      // The same numbers, through which nothing flows back.
      const { z: values } = await runOnce(engine, (tape) => ({
        z: mlpConnector.trace(tape, x, parameters),
      }));
      const stopped = upload(engine, "stopped z", { rows: x.rows, columns: hidden }, values);
      stopped.needsGradient = false;
      const read = await runOnce(engine, (tape) => {
        const z = mlpConnector.trace(tape, x, parameters);
        const loss = cosineLoss(tape, z, mlp(tape, "P2", stopped, parameters));
        tape.backward();
        return {
          loss,
          x: tape.gradientOf(x),
          ...Object.fromEntries(
            [...parameters].map(([name, tensor]) => [name, tape.gradientOf(tensor)]),
          ),
        };
      }, { lambda: 1 });
      const want = (what: string) => goldenFloat64(golden, `e_stop_input.${what}`);
      const losses = takeColumns(read.loss, 4, 0, 1);
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      assertClose([mean], want("loss"), goldenTolerance(golden.json, "loss"), "loss");
      for (const parameter of golden.json.gradients.e_stop_input) {
        const wanted = want(`grad.${parameter}`);
        assertClose(read[parameter], wanted, goldenTolerance(golden.json, "grad"), parameter);
      }
    });
  }

  Deno.test(`the row cosine loss gives the golden values beside zero rows ${formOf(engine)}`, async () => {
    const golden = readGolden("projector_losses", "zero_rows");
    const { rows, d } = golden.json;
    const [x, y] = ["x", "y"].map((name) =>
      upload(engine, name, { rows, columns: d }, goldenFloat64(golden, name))
    );
    const read = await runOnce(engine, (tape) => {
      const loss = cosineLoss(tape, x, y);
      tape.backward();
      return { loss, x: tape.gradientOf(x), y: tape.gradientOf(y) };
    }, { lambda: 1 });
    const tolerance = (key: string) => goldenTolerance(golden.json, key);
    const cosines = takeColumns(read.loss, 4, 1, 1);
    assertClose(cosines, goldenFloat64(golden, "cos"), tolerance("cos"), "cos");
    const mean = takeColumns(read.loss, 4, 0, 1).reduce((sum, loss) => sum + loss, 0) / rows;
    assertClose([mean], goldenFloat64(golden, "loss"), tolerance("loss"), "loss");
    // Row by row: the gradient of one row is a million times the others. Zero rows get zero here.
    const perRow = tolerance("grad rows where zero_row = 0");
    for (const side of ["x", "y"]) {
      const expected = goldenFloat64(golden, `grad.${side}`);
      for (let r = 0; r < rows; r++) {
        const row = (values: ArrayLike<number>) =>
          Array.from({ length: d }, (_, j) => values[r * d + j]);
        assertClose(row(read[side]), row(expected), perRow, `grad.${side} row ${r}`);
      }
    }
  });

  Deno.test(`a detached side of the row cosine loss gets no gradient ${formOf(engine)}`, async () => {
    const golden = readGolden("projector_losses", "zero_rows");
    const { rows, d } = golden.json;
    const [x, y] = ["x", "y"].map((name) =>
      upload(engine, name, { rows, columns: d }, goldenFloat64(golden, name))
    );
    const gradients = (detach: { x?: boolean; y?: boolean }) =>
      runOnce(engine, (tape) => {
        cosineLoss(tape, x, y, detach);
        tape.backward();
        return { x: tape.gradientOf(x), y: tape.gradientOf(y) };
      }, { lambda: 1 });
    const both = await gradients({});
    assert.deepEqual(await gradients({ x: true }), { y: both.y });
    assert.deepEqual(await gradients({ y: true }), { x: both.x });
  });
}

Deno.test("the golden projector losses hold a case with projectors", () => {
  assert.ok(projectorCases.length > 0);
});

Deno.test("every objective is found by its own name", () => {
  for (const [name, objective] of Object.entries(OBJECTIVES)) assert.equal(name, objective.name);
});

interface Shape {
  rows: number;
  columns: number;
}
