import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import {
  exampleGeometry,
  exampleRun,
  exampleRuns,
  exampleStudy,
} from "../records/example_records.ts";
import script from "./page.js" with { type: "text" };
import { renderPage } from "./page.ts";
import { renderReport, type Report } from "./report.ts";

const report = renderReport(
  exampleStudy(),
  exampleRuns([1, 2]).map((run) => ({ ...run, geometry: exampleGeometry() })),
);
const page = renderPage(report);

/** A page of some Markdown, its script run. */
function pageOf(markdown: string, others: Partial<Report> = {}) {
  const html = renderPage({ finding: "", markdown, figures: {}, values: {}, ...others });
  const { document } = parseHTML(html);
  new Function("document", script)(document);
  return document;
}

const TABLE = "| Arm | Points |\n| --- | ---: |\n| b | 1,200 |\n| a | −3.0 ± 9.0 |\n| c | |\n" +
  "| d | < 0.001 |\n";

/** The first column, from above. */
const order = (document: Document) =>
  [...document.querySelectorAll("tbody tr")].map((row) => row.querySelector("td")!.textContent)
    .join("");

Deno.test("the page stands alone: it names nothing that a browser would fetch", () => {
  const { document } = parseHTML(page);
  assert.equal(document.querySelectorAll("link, img, iframe, script[src], [srcset]").length, 0);
  assert.doesNotMatch(page, /@import|url\(/);
  assert.match(
    document.querySelector("meta[http-equiv]")!.getAttribute("content")!,
    /^default-src 'none';/,
  );
  assert.ok(page.includes(script));
});

Deno.test("every heading, table and figure of the report is in the page", () => {
  const { document } = parseHTML(page);
  const headings = [...document.querySelectorAll("h1, h2")].map(({ textContent }) => textContent);
  assert.deepEqual(
    headings,
    [...report.markdown.matchAll(/^##? (.*)$/gm)].map(([, text]) => text),
  );
  assert.equal(document.title, "Does the example help?");
  assert.deepEqual(
    [...document.querySelectorAll("svg.chart")].map((chart) => chart.getAttribute("aria-label")),
    [...report.markdown.matchAll(/!\[(.*)\]/g)].map(([, title]) => title),
  );
  const tables = document.querySelectorAll("table").length;
  assert.equal(document.querySelectorAll(".scroll > table").length, tables);
  assert.equal(tables, report.markdown.match(/^\| -/gm)!.length);
});

Deno.test("the points of a chart say name, place, value and range", () => {
  const { figures, values, markdown } = renderReport(exampleStudy(), [
    exampleRun({ seed: 1 }),
    exampleRun({ seed: 2 }),
  ]);
  const { document } = parseHTML(renderPage({ finding: "", markdown, figures, values }));
  const [points] = document.querySelectorAll(".values");
  assert.deepEqual([...points.querySelectorAll("title")].map(({ textContent }) => textContent), [
    "baseline\nOptimiser step: 10\nL_TP, mean cross-entropy (nats per answer token): 1.015\nrange 1.01 to 1.02",
    "baseline\nOptimiser step: 20\nL_TP, mean cross-entropy (nats per answer token): 0.515\nrange 0.51 to 0.52",
    "baseline\nOptimiser step: 30\nL_TP, mean cross-entropy (nats per answer token): 0.3483\nrange 0.3433 to 0.3533",
    "baseline\nOptimiser step: 40\nL_TP, mean cross-entropy (nats per answer token): 0.265\nrange 0.26 to 0.27",
  ]);
});

Deno.test("the points of a chart lie on its line", () => {
  const { document } = parseHTML(renderPage(renderReport(exampleStudy(), [exampleRun()])));
  const chart = document.querySelector("svg.chart")!;
  const line = chart.querySelector("[aria-label=line] path")!.getAttribute("d")!;
  const onLine = line.slice(1).split("L").map((place) => place.split(",").map(Number));
  const points = [...chart.querySelectorAll(".values circle")].map((circle) =>
    ["cx", "cy"].map((name) => Number(circle.getAttribute(name)))
  );
  assert.equal(points.length, onLine.length);
  points.flat().forEach((pixel, i) => assert.ok(Math.abs(pixel - onLine.flat()[i]) < 0.01));
});

Deno.test("HTML in the records is shown as text, and only web addresses become links", () => {
  const document = pageOf(
    "# A <b>title</b>\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) [y](https://a.example/)\n\n" +
      "![<i>](figures/none.svg)\n",
  );
  assert.equal(document.title, "A <b>title</b>");
  assert.equal(document.querySelectorAll("main script, main b, main i, main img").length, 0);
  assert.match(document.querySelector("main")!.textContent!, /<script>alert\(1\)<\/script>/);
  assert.deepEqual(
    [...document.querySelectorAll("a")].map((link) => link.getAttribute("href")),
    ["https://a.example/"],
  );
});

Deno.test("a click on a heading sorts by it, another turns the order, empty cells stay last", () => {
  const document = pageOf(TABLE);
  const [arm, points] = document.querySelectorAll("th button");
  (points as HTMLElement).click();
  assert.equal(order(document), "adbc");
  (points as HTMLElement).click();
  assert.equal(order(document), "bdac");
  assert.deepEqual(
    [...document.querySelectorAll("th")].map((heading) => heading.getAttribute("aria-sort")),
    [null, "descending"],
  );
  (arm as HTMLElement).click();
  assert.equal(order(document), "abcd");
});
