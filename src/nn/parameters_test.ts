import assert from "node:assert/strict";
import { mlpSpecs } from "./mlp.ts";
import { drawValues, type ParameterSpec } from "./parameters.ts";

const spec = (
  name: string,
  initialisation: ParameterSpec["initialisation"],
  rows = 40,
  columns = 50,
): ParameterSpec => ({
  name,
  rows,
  columns,
  initialisation,
});

Deno.test("values depend on seed and name: no other parameter changes them", () => {
  const p1 = spec("connector.0.weight", { kind: "kaiming-uniform" });
  const first = drawValues(3, p1);
  drawValues(3, spec("objective.0.weight", { kind: "kaiming-uniform" }));
  assert.deepEqual(drawValues(3, p1), first);
  assert.notDeepEqual(drawValues(4, p1), first);
  assert.notDeepEqual(drawValues(3, { ...p1, name: "connector.2.weight" }), first);
});

Deno.test("Kaiming-uniform values fill their bounds and have the variance 2 / fan_in", () => {
  const values = drawValues(1, spec("w", { kind: "kaiming-uniform" }));
  const bound = Math.sqrt(6 / 50);
  assert.ok(values.every((value) => Math.abs(value) <= bound));
  const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  assert.ok(Math.abs(variance / (2 / 50) - 1) < 0.1, `variance ${variance}`);
});

Deno.test("normal values have the deviation asked for", () => {
  const values = drawValues(1, spec("w", { kind: "normal", deviation: 0.02 }));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
  );
  assert.ok(Math.abs(mean) < 0.002 && Math.abs(deviation / 0.02 - 1) < 0.1, `${mean} ${deviation}`);
});

Deno.test("zeros and ones are just that", () => {
  assert.ok(drawValues(1, spec("b", { kind: "zeros" })).every((value) => value === 0));
  assert.ok(drawValues(1, spec("g", { kind: "ones" })).every((value) => value === 1));
});

Deno.test("an MLP has two layers, (out, in) weights and zero biases", () => {
  assert.deepEqual(
    mlpSpecs("p", { in: 3, hidden: 5, out: 7 }).map((
      { name, rows, columns, initialisation },
    ) => [name, rows, columns, initialisation.kind]),
    [
      ["p.0.weight", 5, 3, "kaiming-uniform"],
      ["p.0.bias", 1, 5, "zeros"],
      ["p.2.weight", 7, 5, "kaiming-uniform"],
      ["p.2.bias", 1, 7, "zeros"],
    ],
  );
});
