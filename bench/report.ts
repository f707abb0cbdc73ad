/** `REPORT.md`, a pure function of the records. */
import { count, fixed } from "../src/report/number_format.ts";
import { table } from "../src/report/table.ts";
import type { Environment } from "./environment.ts";
import { renderOrigin } from "./origin.ts";
import type { BenchRecord } from "./record.ts";
import { renderRoofline } from "./roofline.ts";
import type { Target } from "./section.ts";
import { SECTIONS } from "./sections.ts";

/** The whole report. */
export function renderReport(record: BenchRecord): string {
  const { environment, roofline } = record;
  const measured = Object.entries(SECTIONS)
    .filter(([name]) => name in record.sections)
    .map(([name, section]) => ({
      section,
      content: record.sections[name],
      note: section.file ? renderOrigin(section.file, record.origins?.[name], environment) : "",
    }));
  const targets = measured.flatMap(({ section, content }) =>
    section.targets?.(content, record) ?? []
  );
  const sections: [title: string, body: string][] = [
    ["What was aimed at", renderTargets(targets)],
    ["What measured", renderEnvironment(environment)],
    ["How it was timed", renderNotes(environment)],
    ["Roofline", renderRoofline(roofline)],
    ...measured.map(({ section, content, note }): [string, string] => [
      section.title,
      [note, section.render(content, record)].filter((part) => part !== "").join("\n"),
    ]),
  ];
  return [
    "# Kernel throughput\n",
    ...leadingNotes(environment).map((line) => `${line}\n`),
    ...sections.filter(([, body]) => body !== "")
      .map(([title, body]) => `## ${title}\n\n${body}`),
  ].join("\n");
}

function leadingNotes({ adapter, filter }: Environment): string[] {
  return [
    ...adapter.software
      ? [`**Real GPUs are unmeasured:** ${adapter.description} computes on the CPU.`]
      : [],
    ...filter ? [`**In part:** only what has "${filter}" in its name was measured.`] : [],
  ];
}

function renderTargets(targets: readonly Target[]): string {
  return table<Target>([
    { header: "What", cell: ({ what }) => what },
    { header: "Aim", cell: ({ aim }) => aim },
    { header: "Measured", align: "right", cell: ({ measured }) => measured },
    { header: "Verdict", cell: ({ met }) => met ? "met" : "**not met**" },
  ], targets);
}

function renderEnvironment(environment: Environment): string {
  const { adapter, processor, versions } = environment;
  const facts: [string, string][] = [
    ["Adapter", `${adapter.description}${adapter.software ? " (software)" : ""}`],
    ["Vendor", [adapter.vendor, adapter.architecture].filter(Boolean).join(", ")],
    ["Driver", adapter.driver],
    ["Processor", `${processor.model}, ${count(processor.threads)} threads`],
    ["Operand form", environment.operandForm],
    ["GPU timestamps", environment.timestamps ? "yes" : "no"],
    ["Samples", count(environment.samples)],
    ["Commit", environment.commit],
    ["Versions", `Plumbline ${versions.plumbline}, Deno ${versions.deno}`],
    ["Begun", environment.time],
  ];
  const plan = Object.entries(environment.plan)
    .map(([name, value]) => `- ${name}: \`${JSON.stringify(value)}\`\n`).join("");
  return table<[string, string]>([
    { header: "What", cell: ([name]) => name },
    { header: "Here", cell: ([, value]) => value },
  ], facts) + `\nThe kernel plan:\n\n${plan}`;
}

function renderNotes({ timestamps, samples }: Environment): string {
  const source = timestamps
    ? "the sum over the dispatches of one run by GPU timestamps, each dispatch in a pass of its " +
      "own; for runs of more than 2 s the wall clock"
    : "the wall clock, as the adapter gives no timestamps";
  return [
    `A figure is a median of ${count(samples)} samples, its spread the quartiles.`,
    `"ms", GFLOP/s and GB/s: ${source}.`,
    '"Wall ms": wall clock around submits and one wait, divided by the runs between. A wait costs ' +
    `about ${fixed(11, 0)} ms in Deno even when nothing is pending, so small kernels run many ` +
    "times between two waits.",
    "Warm-up: one run to compile, one more to warm up. Then the forms take turns, the order " +
    "changing every round.",
    "GFLOP/s counts the multiplications and additions of matrix products and attention, nothing " +
    "else. GB/s counts compulsory traffic: every input, result and gradient once, what is updated " +
    "in place twice; what passes between the kernels of a program is left out, so more moves.",
    '"Of peak" and "of copy" are shares of the multiply-add and the copy kernel of the roofline.',
    '"Plain" is the same arithmetic on storage buffers with the smallest register block. "Times ' +
    'plain" is by one clock: the wall clock for both where either has no timestamps.',
  ].map((line) => `- ${line}\n`).join("");
}
