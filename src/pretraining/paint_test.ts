/** Pictures of scenes: the data sets' own shapes are among them, and a look changes only the look. */
import assert from "node:assert/strict";
import type { Image } from "../data/dataset.ts";
import { easyShapes } from "../data/easy_shapes.ts";
import type { Rgb } from "../data/image.ts";
import { stream } from "../data/random.ts";
import { sortOfClevr } from "../data/sort_of_clevr.ts";
import { drawLook, paintScene, PLAIN_LOOK } from "./paint.ts";
import { COLORS, drawScene, type SceneObject, SHAPES } from "./scene.ts";

/** The box around the pixels of one colour, and how many they are. */
function boxOf({ width, data }: Image, [red, green, blue]: Rgb) {
  let [left, top, right, bottom, pixels] = [Infinity, Infinity, -1, -1, 0];
  for (let i = 0; i < data.length / 3; i++) {
    if (data[3 * i] !== red || data[3 * i + 1] !== green || data[3 * i + 2] !== blue) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, top] = [Math.min(left, x), Math.min(top, y)];
    [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
    pixels++;
  }
  return { left, top, width: right - left + 1, height: bottom - top + 1, pixels };
}

Deno.test("Sort-of-CLEVR's pictures are pictures of this world", async () => {
  const side = 75;
  const { test } = sortOfClevr({ seed: 3, trainImages: 0, validationImages: 0, testImages: 20 });
  // In the order in which they are painted: they may touch.
  const colors = ["red", "green", "blue", "orange", "gray", "yellow"] as const;
  let compared = 0;
  for (const example of test) {
    const image = await example.image();
    const scene = colors.flatMap((color): SceneObject[] => {
      const { left, top, width, height, pixels } = boxOf(image, COLORS[color]);
      if (width !== 11 || height !== 11) return [];
      const shape = pixels > 100 ? "square" : "circle";
      const [x, y] = [(left + 5.5) / side, (top + 5.5) / side];
      return [{ shape, color, x, y, radius: 5.5 / side, aspect: 1 }];
    });
    // One that is partly covered has another box, and its picture is left out.
    if (scene.length < 6) continue;
    compared++;
    assert.deepEqual(paintScene(scene, PLAIN_LOOK, side), image);
  }
  assert.ok(compared > 10, `${compared} pictures compared`);
});

Deno.test("easy-shapes' pictures are nearly pictures of this world", async () => {
  const side = 64;
  const { test } = easyShapes({ seed: 3, trainImages: 0, validationImages: 0, testImages: 60 });
  const seen = new Set<string>();
  for (const example of test) {
    const image = await example.image();
    const [ground, color] = [image.data.subarray(0, 3), colorOfMost(image)];
    const shape = example.questions.find(({ type }) => type === "shape")?.answer;
    if (!color || !shape) continue;
    seen.add(shape);
    const { left, top, width, height } = boxOfMore(image, ground, COLORS[color]);
    const radius = width / 2 / side;
    const object: SceneObject = {
      shape: shape as SceneObject["shape"],
      color,
      x: (left + width / 2) / side,
      // The top of a triangle is thinner than a pixel.
      y: shape === "triangle"
        ? (top + height) / side - radius * Math.sqrt(3) / 2
        : (top + height / 2) / side,
      radius,
      aspect: shape === "rectangle" ? height / width : 1,
    };
    const look = { ...PLAIN_LOOK, ground: [...ground] as unknown as Rgb, edges: "smooth" as const };
    const painted = paintScene([object], look, side);
    const off = image.data.filter((value, i) => Math.abs(value - painted.data[i]) > 128).length / 3;
    // What half a pixel costs at the edges; of another shape far more pixels differ.
    assert.ok(off <= 0.04 * width * height, `${example.id}: ${shape} differs in ${off} pixels`);
  }
  assert.equal(seen.size, 3);
});

function colorOfMost(image: Image) {
  return (Object.keys(COLORS) as SceneObject["color"][])
    .find((name) => boxOf(image, COLORS[name]).pixels > 8);
}

/** The box around the pixels that are rather of the colour than of the ground. */
function boxOfMore(image: Image, ground: ArrayLike<number>, color: Rgb) {
  const closer = (at: number) => {
    const [toColor, toGround] = [color, ground].map((other) =>
      Math.hypot(...[0, 1, 2].map((c) => image.data[at + c] - other[c]))
    );
    return toColor < toGround ? 1 : 0;
  };
  const data = image.data.map((_, i) => closer(i - i % 3));
  return boxOf({ ...image, data }, [1, 1, 1]);
}

Deno.test("every shape has its own outline, on whole and on smooth edges", () => {
  for (const edges of ["hard", "smooth", "enlarged"] as const) {
    const pictures = SHAPES.map((shape) => {
      const object = { shape, color: "blue" as const, x: 0.5, y: 0.5, radius: 0.1 };
      return paintScene(
        [{ ...object, aspect: shape === "rectangle" ? 0.5 : 1 }],
        { ...PLAIN_LOOK, edges },
        75,
      );
    });
    for (const [i, { data }] of pictures.entries()) {
      for (const other of pictures.slice(i + 1)) {
        const differing = data.filter((value, at) => value !== other.data[at]).length;
        assert.ok(differing > 30, `${edges} ${SHAPES[i]}: ${differing} bytes differ`);
      }
    }
  }
});

Deno.test("a picture shows its objects where they are, in their colours, on another ground", () => {
  const random = stream(5, "paint");
  const grounds = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const scene = drawScene(random, 1 + i % 8);
    const look = drawLook(random, [scene]);
    grounds.add(look.ground.join() === "255,255,255" ? "white" : "other");
    const side = 75;
    const { data } = paintScene(scene, look, side);
    assert.equal(data.length, 3 * side * side);
    for (const { shape, color, x, y, radius, aspect } of scene) {
      const edges = [x - radius, x + radius, y - radius * aspect, y + radius * aspect];
      assert.ok(edges.every((edge) => edge >= 0 && edge <= 1), `${shape} reaches ${edges}`);
      // The middle of a ring is ground.
      if (shape === "ring") continue;
      const at = 3 * (Math.floor(y * side) * side + Math.floor(x * side));
      const seen = [...data.subarray(at, at + 3)];
      const off = Math.hypot(...seen.map((value, c) => value - COLORS[color][c]));
      const away = Math.hypot(...seen.map((value, c) => value - look.ground[c]));
      assert.ok(off < 36, `${color} is painted as ${seen}`);
      assert.ok(away > 75, `${color} on ${look.ground}`);
    }
  }
  assert.equal(grounds.size, 2);
});

Deno.test("the same draws give the same picture, other draws another look", () => {
  const scene = drawScene(stream(1, "scene"), 4);
  const paint = (name: string) => {
    const look = drawLook(stream(1, name), [scene]);
    return paintScene(scene, look, 75);
  };
  assert.deepEqual(paint("a"), paint("a"));
  assert.notDeepEqual(paint("a"), paint("b"));
});
