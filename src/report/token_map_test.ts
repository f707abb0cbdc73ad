import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import { exampleGeometry, exampleRun } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { tokenMap } from "./token_map.ts";

const map = (geometry = exampleGeometry()) => {
  const [condition] = groupRuns([exampleRun({ geometry }), exampleRun({ seed: 2, geometry })]);
  return tokenMap(condition, 0);
};

Deno.test("a map has every token, its title, and axes that say how much they show", () => {
  const { file, title, svg } = map()!;
  assert.equal(file, "token_map_baseline.svg");
  assert.equal(title, "Image tokens among text tokens, baseline, seed 1");
  const { document } = parseHTML(svg);
  assert.deepEqual(
    [...document.querySelectorAll("[aria-label=dot]")].map(({ children }) => children.length),
    [3, 2],
  );
  const shown = [...document.querySelectorAll("text")].map((node) => node.textContent);
  for (
    const text of [
      title,
      "Z, 3 image tokens",
      "T, 2 text tokens",
      "Principal component 1 of unit rows (75.0 % of the variance)",
      "Principal component 2 of unit rows (12.5 % of the variance)",
    ]
  ) assert.ok(shown.includes(text), text);
});

Deno.test("a length is the same along both axes", () => {
  const { document } = parseHTML(map()!.svg);
  const [first, second, third] = [...document.querySelectorAll("[aria-label=dot] circle")]
    .map((dot) => ["cx", "cy"].map((name) => Number(dot.getAttribute(name))));
  const up = first[1] - second[1], aside = third[0] - first[0];
  // Both are an eighth.
  assert.ok(up > 0 && Math.abs(up - aside) < 0.01, `${up} and ${aside}`);
});

Deno.test("the same numbers give the same bytes", () => {
  assert.equal(map()!.svg, map()!.svg);
  assert.doesNotMatch(map()!.svg, /NaN|undefined|\d\.\d{4,}/);
});

Deno.test("where nothing varies, or nothing was measured, there is no map", () => {
  const geometry = exampleGeometry();
  geometry.map = { image: [[0, 0], [0, 0]], text: [[0, 0]], explained: [0, 0] };
  assert.equal(map(geometry), null);
  assert.equal(tokenMap(groupRuns([exampleRun()])[0], 0), null);
});
