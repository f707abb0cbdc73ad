/** Connectors against the float64 reference, on both operand forms. */
import assert from "node:assert/strict";
import { layerNorm, layerNormBackward } from "../reference/layer_norm.ts";
import { linear, linearBackward } from "../reference/linear.ts";
import { mlp, type MlpParameter } from "../reference/mlp.ts";
import { addPositions, addPositionsBackward } from "../reference/positions.ts";
import { randomValues } from "../reference/random_values.ts";
import { backwardFrom, formOf, runOnce, testEngines, upload } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { CONNECTORS } from "./connectors.ts";

const WIDTHS = {
  vision: 11,
  projector: 18,
  tokens: 5,
  hidden: 14,
  layers: 3,
  heads: { heads: 2, headWidth: 4, headDim: 4 },
};
const TOKENS = 10;

type Values = Record<string, Float64Array>;

/** z and the gradients of sum(z * cotangent), by x and by every parameter. */
type Reference = (x: Float64Array, parameters: Values, cotangent: Float64Array) => {
  z: Float64Array;
  gradients: Values;
};

const P1: MlpParameter[] = ["0.weight", "0.bias", "2.weight", "2.bias"];

function ofMlp(x: Float64Array, parameters: Values) {
  const own = Object.fromEntries(P1.map((name) => [name, parameters[`P1.${name}`]]));
  return mlp(x, own as Record<MlpParameter, Float64Array>);
}

const named = (gradients: Record<string, Float64Array>) =>
  Object.fromEntries(Object.entries(gradients).map(([name, value]) => [`P1.${name}`, value]));

const REFERENCES: Record<string, Reference> = {
  linear(x, parameters, cotangent) {
    const [weight, bias] = [parameters["P1.weight"], parameters["P1.bias"]];
    const back = linearBackward(x, weight, cotangent, WIDTHS.vision);
    return {
      z: linear(x, weight, bias, WIDTHS.vision),
      gradients: { x: back.gradX, "P1.weight": back.gradWeight, "P1.bias": back.gradBias },
    };
  },
  mlp(x, parameters, cotangent) {
    const { y, backward } = ofMlp(x, parameters);
    const { gradX, gradients } = backward(cotangent);
    return { z: y, gradients: { x: gradX, ...named(gradients) } };
  },
  "mlp-layernorm"(x, parameters, cotangent) {
    const { y, backward } = ofMlp(x, parameters);
    const [weight, bias] = [parameters["P1.3.weight"], parameters["P1.3.bias"]];
    const back = layerNormBackward(y, weight, cotangent, 1e-5);
    const { gradX, gradients } = backward(back.gradX);
    return {
      z: layerNorm(y, weight, bias, 1e-5),
      gradients: {
        x: gradX,
        ...named({ ...gradients, "3.weight": back.gradWeight, "3.bias": back.gradBias }),
      },
    };
  },
  "mlp-positions"(x, parameters, cotangent) {
    const { tokens: period, vision: width } = WIDTHS;
    const table = parameters["P1.positions"];
    const { y, backward } = ofMlp(addPositions(x, table, { period, width }), parameters);
    const { gradX, gradients } = backward(cotangent);
    const positions = addPositionsBackward(gradX, { positions: period, period, width });
    return { z: y, gradients: { x: gradX, ...named({ ...gradients, positions }) } };
  },
};

for (const engine of await testEngines()) {
  for (const [name, connector] of Object.entries(CONNECTORS)) {
    Deno.test(`connector ${name} and its gradients agree with the reference ${formOf(engine)}`, async () => {
      const draw = (seed: number, rows: number, columns: number) =>
        Float64Array.from(randomValues(seed, rows * columns), Math.fround);
      const specs = connector.parameters(WIDTHS);
      const shapes = [
        { name: "x", rows: TOKENS, columns: WIDTHS.vision },
        ...specs,
      ];
      const values = Object.fromEntries(
        shapes.map(({ name, rows, columns }, i) => [name, draw(i + 1, rows, columns)]),
      );
      const cotangent = draw(99, TOKENS, WIDTHS.hidden);
      const tensors = new Map(
        shapes.map((shape) => [shape.name, upload(engine, shape.name, shape, values[shape.name])]),
      );
      const side = upload(
        engine,
        "cotangent",
        { rows: TOKENS, columns: WIDTHS.hidden },
        cotangent,
      );
      const read = await runOnce(engine, (tape) => {
        const z = connector.trace(tape, tensors.get("x")!, tensors);
        backwardFrom(tape, z, side);
        return {
          z,
          ...Object.fromEntries(
            [...tensors].map(([name, tensor]) => [`grad.${name}`, tape.gradientOf(tensor)]),
          ),
        };
      });
      // Of a connector whose blocks stand between layers, P1 is linear.
      const reference = REFERENCES[connector.look ? "linear" : name];
      const wanted = reference(values.x, values, cotangent);
      const tolerance = { rtol: 2e-5, atol: 1e-6 };
      assertClose(read.z, wanted.z, tolerance, "z");
      assert.deepEqual(
        Object.keys(wanted.gradients).toSorted(),
        [...tensors.keys()].filter((name) => read[`grad.${name}`]).toSorted(),
      );
      for (const [parameter, gradient] of Object.entries(wanted.gradients)) {
        assertClose(read[`grad.${parameter}`], gradient, tolerance, `gradient of ${parameter}`);
      }
    });
  }
}

Deno.test("every connector is found by its own name", () => {
  for (const [name, connector] of Object.entries(CONNECTORS)) assert.equal(name, connector.name);
});
