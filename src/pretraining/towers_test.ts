/** Towers see each picture and each caption by itself, however many there are. */
import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import { createClipPair, destroyClipPair } from "../models/clip_pair.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { drawPictureScene } from "./captions.ts";
import { paintScene, PLAIN_LOOK } from "./paint.ts";
import { TINY_PAIR } from "./tiny_pair.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";
import { compileTowers, encodeCaptions } from "./towers.ts";

const tokenizer = pretrainingTokenizer();

Deno.test("a caption stands between its marks, with padding behind", () => {
  const { bos, eos, pad } = tokenizer;
  const [a, red, dot] = tokenizer.encode("a red.");
  const { ids, ends } = encodeCaptions(tokenizer, ["a red.", "red"], 6);
  assert.deepEqual([...ids], [bos, a, red, dot, eos, pad, bos, red, eos, pad, pad, pad]);
  assert.deepEqual([...ends], [4, 2]);
  assert.throws(() => encodeCaptions(tokenizer, ["a red."], 4), {
    name: "RangeError",
    message: 'Cannot take caption "a red.": its 5 tokens are more than 4',
  });
});

for (const engine of await testEngines()) {
  Deno.test(`features do not depend on what else is looked at ${formOf(engine)}`, async () => {
    const { text_config, ...rest } = TINY_PAIR;
    const config = {
      ...rest,
      text_config: { ...text_config, vocab_size: tokenizer.vocabularySize },
    };
    const pair = createClipPair(engine, { config, batch: 4, textLength: 12, seed: 1 });
    const towers = compileTowers(pair, tokenizer);
    assert.deepEqual([towers.side, towers.patches], [20, 2]);
    const random = stream(1, "towers");
    const images = Array.from(
      { length: 6 },
      () => paintScene(drawPictureScene(random), PLAIN_LOOK, 20),
    );
    const captions = ["a red circle.", "a blue square.", "2 rings.", "a cross at x3 y4.", "no."];
    const together = {
      images: await towers.images(images),
      texts: await towers.texts(captions),
      states: await towers.states(images),
    };
    assert.deepEqual(together.images.rows, 6);
    assert.deepEqual(together.texts.rows, 5);
    // What the tower's layers read, and what the last gives.
    assert.equal(together.states.length, 1 + TINY_PAIR.vision_config.num_hidden_layers);
    for (const { rows, columns } of together.states) assert.deepEqual([rows, columns], [6 * 5, 16]);
    const part = ({ columns, data }: { columns: number; data: Float32Array }, rows: number[]) =>
      rows.map((row) => [...data.subarray(row * columns, (row + 1) * columns)]);
    const assertSame = (got: number[][], expected: number[][]) =>
      assertClose(got.flat(), expected.flat(), { rtol: 1e-6, atol: 0 }, "alone");
    // The fifth alone, where it stood first in a batch that was filled up, and the third.
    for (const at of [4, 2]) {
      assertSame(part(await towers.images([images[at]]), [0]), part(together.images, [at]));
      assertSame(part(await towers.texts([captions[at]]), [0]), part(together.texts, [at]));
      const tokens = [0, 1, 2, 3, 4];
      for (const [layer, states] of (await towers.states([images[at]])).entries()) {
        assertSame(
          part(states, tokens),
          part(together.states[layer], tokens.map((token) => 5 * at + token)),
        );
      }
    }
    const distinct = new Set(part(together.images, [0, 1, 2, 3, 4, 5]).map(String));
    assert.equal(distinct.size, 6);
    for (const row of part(together.texts, [0, 4])) {
      assert.ok(Math.abs(Math.hypot(...row) - 1) < 1e-5);
    }
    towers.destroy();
    destroyClipPair(pair);
  });
}
