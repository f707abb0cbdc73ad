/** The page as a browser shows it; these tests are there only where a Chromium is. */
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { exampleGeometry, exampleRuns, exampleStudy } from "../records/example_records.ts";
import { type BrowserPage, findChromium, withChromium } from "../testing/chromium.ts";
import { renderPage } from "./page.ts";
import { renderReport } from "./report.ts";

const chromium = findChromium();
if (chromium === null) {
  console.error(
    "No test of the page in a browser: no Chromium is there; PLUMBLINE_CHROMIUM names one",
  );
} else {
  Deno.test("in Chromium the page fits, sorts, says values, follows the colour scheme and fetches nothing", async () => {
    const runs = exampleRuns([1, 2]).map((run) => ({ ...run, geometry: exampleGeometry() }));
    const file = await Deno.makeTempFile({ suffix: ".html" });
    try {
      await Deno.writeTextFile(file, renderPage(renderReport(exampleStudy(), runs)));
      await withChromium(chromium, async (page) => {
        for (const width of [1280, 390]) {
          await page.send("Emulation.setDeviceMetricsOverride", {
            width,
            height: 900,
            deviceScaleFactor: 1,
            mobile: false,
          });
          await page.open(pathToFileURL(file).href);
          assert.deepEqual(await page.evaluate(WIDER_THAN_THE_PAGE), [], `at ${width} pixels`);
          assert.deepEqual(await page.evaluate(WIDER_THAN_THE_CHART), [], `at ${width} pixels`);
        }
        await checkSorting(page);
        await checkValues(page);
        await checkColours(page);
        assert.deepEqual([...new Set(page.requests)], [pathToFileURL(file).href]);
      });
    } finally {
      await Deno.remove(file);
    }
  });
}

/** Names of elements that reach over an edge of the window; what lies in a scrolling box may. */
const WIDER_THAN_THE_PAGE = `[...document.querySelectorAll("html, main *")]
  .filter((element) => !element.parentElement?.closest(".scroll, pre, svg"))
  .filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    const { clientWidth } = document.documentElement;
    const isRoot = element === document.documentElement;
    return left < 0 || right > clientWidth || (isRoot && element.scrollWidth > clientWidth);
  })
  .map(({ tagName }) => tagName)`;

/** Texts of charts that reach over a side of their chart. */
const WIDER_THAN_THE_CHART = `[...document.querySelectorAll("svg.chart text")]
  .filter((text) => {
    const inner = text.getBoundingClientRect(), outer = text.closest("svg").getBoundingClientRect();
    return inner.left < outer.left || inner.right > outer.right;
  })
  .map(({ textContent }) => textContent)`;

async function checkSorting(page: BrowserPage) {
  const order = await page.evaluate(`(() => {
    const table = [...document.querySelectorAll("table")].at(-1);
    const heading = [...table.querySelectorAll("th")].find((th) => th.innerText.startsWith("Accuracy"));
    heading.querySelector("button").click();
    return [...table.tBodies[0].rows].map((row) => Number(row.cells[heading.cellIndex].innerText));
  })()`) as number[];
  assert.equal(order.length, 8);
  assert.deepEqual(order, order.toSorted((a, b) => a - b));
  assert.notEqual(order[0], order[7]);
}

async function checkValues(page: BrowserPage) {
  const [x, y] = await page.evaluate(`(() => {
    const chart = document.querySelector("svg.chart");
    chart.scrollIntoView({ block: "center" });
    const { x, y, width, height } = chart.querySelector(".values circle").getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  })()`) as [number, number];
  const said = () => page.evaluate(`document.querySelector("#value")?.innerText ?? null`);
  await page.send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
  assert.match(String(await said()), /^X, before P1\n.*: −?[\d.]+\n.*: [\d.]+/);
  await page.send("Input.dispatchMouseEvent", { type: "mouseMoved", x: 1, y: 1 });
  assert.equal(await said(), null);
}

async function checkColours(page: BrowserPage) {
  const lightness: Record<string, number[]> = {};
  for (const value of ["light", "dark"]) {
    await page.send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value }],
    });
    // Of the page, of its text, and of the text of charts.
    lightness[value] = await page.evaluate(`[
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.body).color,
      getComputedStyle(document.querySelector(".chart text")).color,
    ].map((color) => color.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765)`) as number[];
  }
  const [paper, ...inks] = lightness.light, [night, ...lights] = lightness.dark;
  for (const ink of inks) assert.ok(paper - ink > 0.6, `light: ${lightness.light}`);
  for (const ink of lights) assert.ok(ink - night > 0.6, `dark: ${lightness.dark}`);
}
