/**
 * What a linear map finds in patch states. The projector of an ablation reads the states of one
 * layer; what a ridge regression does not find there, it can hardly find either.
 */
import { Matrix, solve } from "ml-matrix";
import type { RandomStream } from "../data/random.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import type { Scene, SceneObject } from "./scene.ts";

/** An object and the state of the patch that its middle lies in. */
export interface ProbedObject {
  state: Float32Array;
  object: SceneObject;
  /** Its middle within the patch, from 0 to 1 on each axis. */
  offset: [x: number, y: number];
}

/** What the probe finds of objects it was not fitted to. */
export interface ProbeFigures {
  /** Objects fitted to and tested on. */
  fitted: number;
  tested: number;
  /** Share of right shapes and colours: the largest output of each. */
  shape: number;
  color: number;
  /** R2 of the middle, mean of both axes. Which patch it is tells most of it. */
  place: number;
  /** R2 of the middle within its patch, mean of both axes. */
  offset: number;
}

/** Penalty on squared weights, for states of unit variance. */
const PENALTY = 1;

/** Colours of Sort-of-CLEVR, in the order in which they are drawn and painted. */
const PROBE_COLORS = ["red", "green", "blue", "orange", "gray", "yellow"] as const;
const PROBE_SHAPES = ["square", "circle"] as const;

/** A scene as Sort-of-CLEVR has them: six colours, squares and circles of 11 of 75 pixels. */
export function drawProbeScene(random: RandomStream): Scene {
  const side = 75, radius = 5;
  const place = () => (radius + random.int(side - 2 * radius) + 0.5) / side;
  const scene: SceneObject[] = [];
  for (const color of PROBE_COLORS) {
    const shape = PROBE_SHAPES[random.int(2)];
    let object: SceneObject;
    do {
      object = { shape, color, x: place(), y: place(), radius: (radius + 0.5) / side, aspect: 1 };
    } while (
      scene.some(({ x, y }) => Math.hypot(x - object.x, y - object.y) < 2 * radius / side)
    );
    scene.push(object);
  }
  return scene;
}

/**
 * The objects of scenes with the states of their patches.
 *
 * @param states (scenes * (1 + patches), d); a class token stands before the patches of a scene
 * @param side Patches along a picture's side
 */
export function probedObjects(
  scenes: readonly Scene[],
  { columns, data }: MatrixValues,
  side: number,
): ProbedObject[] {
  const tokens = 1 + side ** 2;
  return scenes.flatMap((scene, s) =>
    scene.map((object) => {
      const [column, row] = [object.x, object.y].map((at) =>
        Math.min(side - 1, Math.floor(at * side))
      );
      const token = s * tokens + 1 + row * side + column;
      return {
        state: data.subarray(token * columns, (token + 1) * columns),
        object,
        offset: [object.x * side - column, object.y * side - row],
      };
    })
  );
}

/** Fits a ridge regression to some objects and tests it on others. */
export function probe(
  fitted: readonly ProbedObject[],
  tested: readonly ProbedObject[],
): ProbeFigures {
  const predicted = ridge(
    fitted.map(({ state }) => state),
    fitted.map(targets),
    tested.map(({ state }) => state),
  );
  const expected = tested.map(targets);
  const [shapes, colors] = [PROBE_SHAPES.length, PROBE_COLORS.length];
  const accuracy = (from: number, to: number) =>
    tested.filter((_, i) =>
      largest(predicted[i].slice(from, to)) === largest(expected[i].slice(from, to))
    ).length / tested.length;
  const first = shapes + colors;
  const fit = (target: number) =>
    rSquared(predicted.map((row) => row[target]), expected.map((row) => row[target]));
  return {
    fitted: fitted.length,
    tested: tested.length,
    shape: accuracy(0, shapes),
    color: accuracy(shapes, first),
    place: (fit(first) + fit(first + 1)) / 2,
    offset: (fit(first + 2) + fit(first + 3)) / 2,
  };
}

/** Shape and colour one-hot, place, place within the patch. */
function targets({ object, offset }: ProbedObject): number[] {
  return [
    ...PROBE_SHAPES.map((shape) => Number(shape === object.shape)),
    ...PROBE_COLORS.map((color) => Number(color === object.color)),
    object.x,
    object.y,
    ...offset,
  ];
}

const largest = (values: number[]) => values.indexOf(Math.max(...values));

/** 1 - squared error / squared distance from the mean. */
function rSquared(predicted: number[], expected: number[]): number {
  const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
  const squares = (of: (value: number, i: number) => number) =>
    expected.reduce((sum, value, i) => sum + of(value, i) ** 2, 0);
  return 1 - squares((value, i) => value - predicted[i]) / squares((value) => value - mean);
}

/** Ridge regression on columns of mean 0 and variance 1, with an intercept that is not penalised. */
function ridge(
  states: readonly Float32Array[],
  values: number[][],
  tested: readonly Float32Array[],
): number[][] {
  const x = new Matrix(states.map((state) => [...state]));
  const y = new Matrix(values);
  const [means, intercept] = [x.mean("column"), y.mean("column")];
  const deviations = x.standardDeviation("column", { mean: means, unbiased: false })
    // A column that never changes tells nothing.
    .map((deviation) => deviation > 0 ? deviation : Infinity);
  x.subRowVector(means).divRowVector(deviations);
  y.subRowVector(intercept);
  const gram = x.transpose().mmul(x).add(Matrix.eye(x.columns).mul(PENALTY));
  const weights = solve(gram, x.transpose().mmul(y));
  const unseen = new Matrix(tested.map((state) => [...state]));
  return unseen.subRowVector(means).divRowVector(deviations).mmul(weights)
    .addRowVector(intercept).to2DArray();
}
