/** The probe finds what is there, and nothing where nothing is. */
import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import { drawProbeScene, probe, type ProbedObject, probedObjects } from "./probe.ts";

const SIDE = 5;
const random = stream(1, "probe");
const scenes = Array.from({ length: 120 }, () => drawProbeScene(random));

/** States of `width` numbers, drawn by chance but for what `write` puts into an object's patch. */
function states(width: number, write: (state: Float32Array, object: ProbedObject) => void) {
  const rows = scenes.length * (1 + SIDE ** 2);
  const data = Float32Array.from({ length: rows * width }, () => random.normal());
  const objects = probedObjects(scenes, { rows, columns: width, data }, SIDE);
  for (const object of objects) write(object.state, object);
  return objects;
}

const split = (objects: ProbedObject[]) => [objects.slice(0, 480), objects.slice(480)] as const;

Deno.test("scenes are Sort-of-CLEVR's: six colours, middles ten pixels apart", () => {
  for (const scene of scenes) {
    assert.equal(new Set(scene.map(({ color }) => color)).size, 6);
    for (const [i, a] of scene.entries()) {
      assert.ok(["square", "circle"].includes(a.shape));
      for (const b of scene.slice(0, i)) {
        assert.ok(75 * Math.hypot(a.x - b.x, a.y - b.y) > 10 - 1e-9);
      }
    }
  }
});

Deno.test("an object has the state of the patch that its middle lies in", () => {
  const object = { ...scenes[0][0], x: 0.9, y: 0.3 };
  const data = Float32Array.from({ length: 2 * 26 }, (_, i) => Math.floor(i / 2));
  const [{ state, offset }] = probedObjects([[object]], { rows: 26, columns: 2, data }, SIDE);
  // Row 1, column 4, behind the class token.
  assert.deepEqual([...state], [10, 10]);
  assert.deepEqual(offset.map((at) => Math.round(at * 1e9) / 1e9), [0.5, 0.5]);
});

Deno.test("the probe finds shape, colour and place that stand in the states", () => {
  const colors = ["red", "green", "blue", "orange", "gray", "yellow"];
  const objects = states(12, (state, { object, offset }) => {
    state.set([object.shape === "circle" ? 1 : 0, object.x, object.y, offset[0], offset[1]]);
    // The last number is the same everywhere, and must do no harm.
    colors.forEach((color, i) => state[5 + i] = Number(color === object.color));
    state[11] = 3;
  });
  const figures = probe(...split(objects));
  assert.equal(figures.fitted, 480);
  assert.equal(figures.tested, 240);
  // Two objects in one patch leave the state of the second.
  assert.ok(figures.shape > 0.85, `shape ${figures.shape}`);
  assert.ok(figures.color > 0.8, `color ${figures.color}`);
  assert.ok(figures.place > 0.9, `place ${figures.place}`);
  assert.ok(figures.offset > 0.5, `offset ${figures.offset}`);
});

Deno.test("the probe finds nothing in chance", () => {
  const figures = probe(...split(states(12, () => {})));
  assert.ok(figures.shape < 0.65, `shape ${figures.shape}`);
  assert.ok(figures.color < 0.35, `color ${figures.color}`);
  assert.ok(Math.abs(figures.place) < 0.2, `place ${figures.place}`);
});
