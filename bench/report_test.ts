import assert from "node:assert/strict";
import { exampleRecord } from "./example_record.ts";
import { renderReport } from "./report.ts";

Deno.test("the report begins with what was aimed at and what measured", () => {
  const report = renderReport(exampleRecord());
  const end = report.indexOf("## How it was timed");
  assert.equal(
    report.slice(0, end),
    `\
# Kernel throughput

## What was aimed at

| What                                                                   | Aim          | Measured | Verdict     |
| ---------------------------------------------------------------------- | ------------ | -------: | ----------- |
| cosine loss, forward: bandwidth over that of the copy kernel           | at least 0.7 |     0.80 | met         |
| cosine loss, forward: bandwidth over that of the device's copy command | at least 0.7 |     0.40 | **not met** |
| cosine loss, forward: bandwidth over that of the host's memcpy         | at least 0.7 |     0.20 | **not met** |

## What measured

| What           | Here                        |
| -------------- | --------------------------- |
| Adapter        | Some GPU                    |
| Vendor         | ACME, road-runner           |
| Driver         | Vulkan of the system        |
| Processor      | Some CPU, 2 threads         |
| Operand form   | buffer                      |
| GPU timestamps | yes                         |
| Samples        | 3                           |
| Commit         | 0123abc                     |
| Versions       | Plumbline 0.1.0, Deno 2.9.6 |
| Begun          | 2026-11-23T12:00:00.000Z    |

The kernel plan:

- form: \`"buffer"\`
- lanes: \`64\`

`,
  );
});

Deno.test("the sections are those that were measured", () => {
  const headings = (record: ReturnType<typeof exampleRecord>) =>
    renderReport(record).match(/^#.*$/gm);
  const common = [
    "# Kernel throughput",
    "## What measured",
    "## How it was timed",
    "## Roofline",
  ];
  assert.deepEqual(headings({ ...exampleRecord(), sections: {} }), common);
  assert.deepEqual(headings(exampleRecord()), [
    common[0],
    "## What was aimed at",
    ...common.slice(1),
    "## Kernels beside their plain form",
  ]);
});

Deno.test("a section with a file of its own says below its heading of which commit that is", () => {
  const record = exampleRecord();
  const size = { batch: 1, imageTokens: 1, hidden: 4, layers: 1, questions: 1 };
  record.sections.growth = { base: size, samples: 1, points: [] };
  const below = (origin?: Partial<typeof record.environment>) => {
    const origins = origin && { growth: { ...record.environment, ...origin } };
    const report = renderReport({ ...record, origins });
    return report.slice(report.indexOf("## Cost as work grows\n\n")).split("\n")[2];
  };
  assert.equal(below(), "Commit and time of `growth.json`: not recorded.");
  assert.match(below({ commit: "fedcba9" }), /^`growth\.json` is of commit fedcba9, begun /);
  assert.match(below({}), /^A whole training step /);
});

Deno.test("a software adapter and a partial measurement are said first", () => {
  const record = exampleRecord();
  record.environment.adapter.software = true;
  record.environment.filter = "cosine";
  const [, , software, , part] = renderReport(record).split("\n");
  assert.equal(software, "**Real GPUs are unmeasured:** Some GPU computes on the CPU.");
  assert.equal(part, '**In part:** only what has "cosine" in its name was measured.');
});

Deno.test("without timestamps the notes name the wall clock", () => {
  const record = exampleRecord();
  assert.match(renderReport(record), /by GPU timestamps, each dispatch/);
  record.environment.timestamps = false;
  assert.match(renderReport(record), /the wall clock, as the adapter gives no timestamps\./);
});
