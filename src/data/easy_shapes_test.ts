import assert from "node:assert/strict";
import type { Dataset, Example, Image } from "./dataset.ts";
import { COLORS, easyShapes, easyShapesPresence, SHAPES } from "./easy_shapes.ts";

const small = {
  seed: 4,
  trainImages: 40,
  validationImages: 10,
  testImages: 20,
};

async function pictures(examples: Example[]): Promise<string[]> {
  return await Promise.all(
    examples.map(async (example) => (await example.image()).data.toString()),
  );
}

Deno.test("the same seed gives the same pictures and questions, another seed others", async () => {
  const [one, same, other] = [small, small, { ...small, seed: 5 }].map(
    easyShapes,
  );
  assert.equal(one.contentHash, same.contentHash);
  assert.deepEqual(await pictures(one.train), await pictures(same.train));
  assert.deepEqual(
    one.train.map((e) => e.questions),
    same.train.map((e) => e.questions),
  );
  assert.notEqual(one.contentHash, other.contentHash);
});

Deno.test("a smaller split is the beginning of a larger one, and test does not depend on train", async () => {
  const one = easyShapes(small);
  const larger = easyShapes({ ...small, trainImages: 60 });
  assert.deepEqual(
    larger.train.slice(0, 40).map((e) => e.questions),
    one.train.map((e) => e.questions),
  );
  assert.deepEqual(await pictures(larger.test), await pictures(one.test));
});

Deno.test("no picture is in two splits", async () => {
  const { train, validation, test } = easyShapes({
    seed: 1,
    trainImages: 600,
    validationImages: 50,
    testImages: 200,
  });
  const held = new Set([
    ...await pictures(validation),
    ...await pictures(test),
  ]);
  for (const picture of await pictures(train)) assert.ok(!held.has(picture));
});

Deno.test("pictures are one smooth-edged shape of the recipe's colours on a light ground", async () => {
  const { train } = easyShapes({ ...small, trainImages: 120 });
  const seen = new Set<string>();
  for (const example of train) {
    const { width, height, data } = await example.image();
    assert.deepEqual([width, height, data.length], [64, 64, 64 * 64 * 3]);
    const counts = new Map<string, number>();
    for (let at = 0; at < data.length; at += 3) {
      const pixel = data.subarray(at, at + 3).join();
      counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    }
    const [ground] = [...counts].sort((a, b) => b[1] - a[1])[0];
    for (const value of ground.split(",")) assert.ok(+value >= 230);
    const color = Object.entries(COLORS).find(([, rgb]) => counts.has(rgb.join()));
    assert.ok(color, "a colour of the recipe");
    // A shape is at least 8 x 8 pixels and at most about half the picture's side.
    const others = 64 * 64 - counts.get(ground)!;
    assert.ok(others >= 25 && others <= 35 * 35, String(others));
    for (const { text, answer, type } of example.questions) {
      if (type === "color") assert.equal(answer, color[0]);
      if (text === `is there a ${color[0]} shape?`) assert.equal(answer, "yes");
      if (text === `is no ${color[0]} shape present?`) {
        assert.equal(answer, "no");
      }
      if (type === "shape") seen.add(answer);
    }
  }
  assert.deepEqual([...seen].sort(), [...SHAPES].sort());
});

Deno.test("outlines have the moments of a rectangle, a circle and an upright triangle", async () => {
  const { train } = easyShapes({ ...small, trainImages: 300 });
  // area^2 / (variance of x * variance of y) of the ideal shapes, whatever their size.
  const ratios = { rectangle: 144, circle: 16 * Math.PI ** 2, triangle: 108 };
  const seen: Record<string, number> = { rectangle: 0, circle: 0, triangle: 0 };
  for (const { image, questions } of train) {
    const shape = questions.find(({ type }) => type === "shape")?.answer;
    if (shape === undefined) continue;
    const { area, skewY, varianceX, varianceY } = moments(await image());
    // Smoothed edges weigh too much in small shapes.
    if (area < 200) continue;
    const ratio = area ** 2 / (varianceX * varianceY);
    const [nearest] = Object.entries(ratios).sort((a, b) =>
      Math.abs(a[1] - ratio) - Math.abs(b[1] - ratio)
    );
    assert.equal(nearest[0], shape, `ratio ${ratio}`);
    if (shape === "triangle") assert.ok(skewY < -0.3, `triangle skew ${skewY}`);
    else assert.ok(Math.abs(skewY) < 0.01, `${shape} skew ${skewY}`);
    seen[shape]++;
  }
  for (const [shape, count] of Object.entries(seen)) {
    assert.ok(count > 15, `${shape}: ${count}`);
  }
});

/** Moments of the shape's coverage, measured in the channel where shape and ground differ most. */
function moments({ data }: Image) {
  const counts = new Map<string, number>();
  for (let at = 0; at < data.length; at += 3) {
    const pixel = data.subarray(at, at + 3).join();
    counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  }
  const [ground, color] = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 2)
    .map(([rgb]) => rgb.split(",").map(Number));
  const contrast = ground.map((value, channel) => Math.abs(value - color[channel]));
  const channel = contrast.indexOf(Math.max(...contrast));
  const cover = Array.from(
    { length: 64 * 64 },
    (_, at) =>
      (data[at * 3 + channel] - ground[channel]) /
      (color[channel] - ground[channel]),
  );
  const mean = (of: (x: number, y: number) => number) =>
    cover.reduce((sum, c, at) => sum + c * of(at % 64, at >> 6), 0) / area;
  const area = cover.reduce((a, b) => a + b);
  const [mx, my] = [mean((x) => x), mean((_, y) => y)];
  const [varianceX, varianceY] = [
    mean((x) => (x - mx) ** 2),
    mean((_, y) => (y - my) ** 2),
  ];
  return {
    area,
    varianceX,
    varianceY,
    skewY: mean((_, y) => (y - my) ** 3) / varianceY ** 1.5,
  };
}

/** Accuracy, in percent, of the commonest training answer to the same question text. */
function blindAccuracy({ train, test }: Dataset): number {
  const counts = new Map<string, Map<string, number>>();
  for (const { text, answer } of train.flatMap(({ questions }) => questions)) {
    const answers = counts.get(text) ?? new Map();
    counts.set(text, answers.set(answer, (answers.get(answer) ?? 0) + 1));
  }
  const asked = test.flatMap(({ questions }) => questions);
  const right = asked.filter(({ text, answer }) => {
    const answers = [...counts.get(text) ?? []].sort((a, b) => b[1] - a[1]);
    return answers[0]?.[0] === answer;
  });
  return 100 * right.length / asked.length;
}

Deno.test("question types and blind accuracy are those of the real easy-VQA", () => {
  const dataset = easyShapes({
    seed: 0,
    trainImages: 1500,
    validationImages: 0,
    testImages: 800,
  });
  const questions = [...dataset.train, ...dataset.test].flatMap((
    { questions },
  ) => questions);
  const share = (type: string) =>
    100 * questions.filter((question) => question.type === type).length /
    questions.length;
  // Official files: 48,248 questions on 5,000 pictures, 73.7 % of them yes/no; 107 wordings; blind 67.0 % on test.
  assert.ok(Math.abs(questions.length / 2300 - 48248 / 5000) < 0.2);
  assert.ok(Math.abs(share("yes/no") - 73.7) < 1.5, String(share("yes/no")));
  assert.ok(Math.abs(share("shape") - 13.1) < 1.5, String(share("shape")));
  assert.ok(Math.abs(share("color") - 13.2) < 1.5, String(share("color")));
  assert.equal(new Set(questions.map(({ text }) => text)).size, 107);
  const blind = blindAccuracy(dataset);
  assert.ok(Math.abs(blind - 67.0) < 2, String(blind));
});

Deno.test("a number of pictures that is none is refused", () => {
  assert.throws(() => easyShapes({ ...small, testImages: -1 }), {
    name: "RangeError",
    message: "Cannot make easy-shapes: -1 test pictures",
  });
});

Deno.test("a yes/no question says what it asks the presence of, and whether it is negated", () => {
  const { test } = easyShapes({ ...small, testImages: 60 });
  for (const { questions } of test) {
    const openAnswers = new Map(
      questions.filter(({ type }) => type !== "yes/no").map(({ type, answer }) => [type, answer]),
    );
    for (const question of questions) {
      const asked = easyShapesPresence(question);
      assert.equal(asked !== null, question.type === "yes/no", question.text);
      const answer = asked && openAnswers.get(asked.about);
      if (!answer) continue;
      // Open questions about the same picture say what is there.
      const isThere = new RegExp(`\\b${answer}\\b`).test(question.text);
      assert.equal(question.answer, isThere === asked.negated ? "no" : "yes", question.text);
    }
  }
});
