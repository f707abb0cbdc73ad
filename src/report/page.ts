/**
 * The report as one HTML page: style, script and figures inside, nothing fetched.
 */
import { Marked, Renderer } from "marked";
import type { ChartValue } from "./chart_frame.ts";
import style from "./page.css" with { type: "text" };
import script from "./page.js" with { type: "text" };
import type { Report } from "./report.ts";

/** What the page may load: what stands in it. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/**
 * Renders a report as a standalone page. Tables sort by their headings, and the points of charts say
 * their values. HTML in the Markdown is shown as text.
 *
 * @param report a rendered report, as of `renderReport`
 *
 * @example
 * ```ts
 * import { exampleRuns, exampleStudy } from "../records/example_records.ts";
 * import { renderPage } from "./page.ts";
 * import { renderReport } from "./report.ts";
 * import assert from "node:assert/strict";
 *
 * const page = renderPage(renderReport(exampleStudy(), exampleRuns([1, 2])));
 * assert.ok(page.startsWith("<!doctype html>"));
 * assert.ok(page.includes("<h1>Does the example help?</h1>"));
 * ```
 */
export function renderPage({ markdown, figures, values }: Report): string {
  const title = markdown.match(/^# (.*)$/m)?.[1] ?? "Report";
  const body = new Marked({ gfm: true, renderer: pageRenderer(figures, values) })
    .parse(markdown, { async: false });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeHtml(title)}</title>
<style>
${style}</style>
</head>
<body>
<main>
${body}</main>
<script>
${script}</script>
</body>
</html>
`;
}

/** What of the Markdown is written otherwise than usual. */
function pageRenderer(
  figures: Report["figures"],
  values: Report["values"],
): Partial<Pick<Renderer, "html" | "image" | "link" | "table">> {
  const usual = Renderer.prototype;
  return {
    html: ({ text }) => escapeHtml(text),
    image({ href, text }) {
      const file = href.replace(/^figures\//, "");
      return Object.hasOwn(figures, file)
        ? withValues(figures[file].trimEnd(), values[file] ?? [])
        : escapeHtml(text);
    },
    link(token) {
      const leadsOut = /^https?:\/\//.test(token.href);
      return leadsOut ? usual.link.call(this, token) : escapeHtml(token.text);
    },
    table(token) {
      return `<div class="scroll" tabindex="0">${usual.table.call(this, token).trimEnd()}</div>\n`;
    },
  };
}

/** A figure whose points carry their values. */
function withValues(svg: string, values: readonly ChartValue[]): string {
  if (values.length === 0) return svg;
  const pixels = (value: number) => Number(value.toFixed(2));
  const circles = values.map(({ x, y, text }) =>
    `<circle cx="${pixels(x)}" cy="${pixels(y)}" r="4"><title>${escapeHtml(text)}</title></circle>`
  );
  return svg.replace(/<\/svg>$/, `<g class="values">${circles.join("")}</g></svg>`);
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ENTITIES[sign]);
}
