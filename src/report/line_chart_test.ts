import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import { type ChartSeries, lineChart } from "./line_chart.ts";

const points = [0, 10, 20].map((x) => ({ x, y: 1 / (x + 3), low: 1 / (x + 4), high: 1 / (x + 2) }));
const chart = (series: ChartSeries[]) =>
  lineChart({ title: "Loss & more", xLabel: "Step", yLabel: "Loss (nats)", series }).svg;
const texts = (svg: string) =>
  [...parseHTML(svg).document.querySelectorAll("text")].map((node) => node.textContent);

Deno.test("a chart has its title, axis labels with units, and a legend", () => {
  const shown = texts(
    chart([{ name: "baseline", hue: 0, points }, { name: "a < b", hue: 1, points }]),
  );
  for (const text of ["Loss & more", "Step", "Loss (nats)", "baseline", "a < b", "20"]) {
    assert.ok(shown.includes(text), `${text} is not among ${shown}`);
  }
});

Deno.test("every series has a line and a band of its colour, a reference is dashed", () => {
  const svg = chart([{ name: "baseline", hue: 0, points }, { name: "control", hue: null, points }]);
  const { document } = parseHTML(svg);
  assert.equal(document.querySelectorAll("[aria-label=line] path").length, 2);
  assert.equal(document.querySelectorAll("[aria-label=area] path").length, 2);
  assert.equal(document.querySelectorAll("[aria-label=line][stroke-dasharray]").length, 1);
});

Deno.test("a series keeps its colour when others are absent", () => {
  const color = (svg: string) =>
    svg.match(/aria-label="line"/) &&
    svg.match(/stroke="(#[0-9a-f]{6})"[^>]*aria-label="line"/)?.[1];
  const alone = color(chart([{ name: "b", hue: 1, points }]));
  assert.ok(alone);
  assert.ok(chart([{ name: "a", hue: 0, points }, { name: "b", hue: 1, points }]).includes(alone));
  assert.notEqual(alone, color(chart([{ name: "a", hue: 0, points }])));
});

Deno.test("the same chart gives the same bytes, as a file of its own", () => {
  const series = [{ name: "baseline", hue: 0, points }];
  assert.equal(chart(series), chart(series));
  assert.match(chart(series), /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.doesNotMatch(chart(series), /NaN|undefined|\d\.\d{4,}/);
});

Deno.test("a long legend goes on in a second row below the title", () => {
  const height = (n: number) => {
    const series = Array.from(
      { length: n },
      (_, hue) => ({ name: `a rather long name ${hue}`, hue, points }),
    );
    return Number(chart(series).match(/height="(\d+)"/)![1]);
  };
  assert.ok(height(8) > height(2));
});

Deno.test("a chart without points is refused by its title", () => {
  assert.throws(
    () => chart([{ name: "a", hue: 0, points: [] }]),
    /Cannot draw "Loss & more": it has no points/,
  );
});
