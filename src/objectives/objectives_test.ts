/** The objectives through both projectors against the golden losses, on both operand forms. */
import assert from "node:assert/strict";
import type { ConnectorWidths } from "../connectors/connector.ts";
import { mlpConnector } from "../connectors/mlp.ts";
import type { Tensor } from "../gpu/program.ts";
import { mlp, mlpSpecs } from "../nn/mlp.ts";
import { cosineLoss } from "../tensor/losses.ts";
import {
  goldenFloat64,
  goldenTensor,
  goldenTolerance,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { formOf, runOnce, testEngines, upload } from "../testing/gpu.ts";
import { takeColumns } from "../testing/heads.ts";
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

for (const engine of await testEngines()) {
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
