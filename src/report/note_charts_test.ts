import assert from "node:assert/strict";
import { leastSquares } from "../evaluation/least_squares.ts";
import { readGolden } from "../testing/golden.ts";
import { NOTE_CHARTS } from "./note_charts.ts";

Deno.test("the lines through the note's charts explain 0.002 and 0.865 of the variance", () => {
  const fitted = NOTE_CHARTS.map(({ objective, points }) => [
    objective,
    leastSquares(points)!.rSquared.toFixed(3),
  ]);
  assert.deepEqual(fitted, [["cosine constraint", "0.002"], ["self-distillation", "0.865"]]);
});

Deno.test("the points are those of the golden regressions", () => {
  const { cases } = readGolden("statistics", "lambda_slope").json;
  const pointsOf = ({ lambda, accuracy }: { lambda: number[]; accuracy: number[] }) =>
    lambda.map((x, i) => [x, accuracy[i]]);
  assert.deepEqual(NOTE_CHARTS.map(({ points }) => points), [
    pointsOf(cases.chart_a),
    pointsOf(cases.chart_b),
  ]);
});
