import assert from "node:assert/strict";
import { exampleFrame } from "../example_record.ts";
import { compile, type CompileRecord, compileTime } from "./compile.ts";

const start = (seconds: number) => [
  { arm: "a", program: "training step", created: 100, first: 1000 * seconds, second: 200 },
  { arm: "a", program: "questions", created: 150, first: 50, second: 100 },
];

const record = (cold: number, warm: number): CompileRecord => ({
  study: "quick",
  cold: [start(cold), start(cold + 2)],
  warm: [start(warm)],
});

Deno.test("compiling is what a first run takes longer than a second, with making the program", () => {
  assert.deepEqual(start(5).map(compileTime), [4900, 100]);
});

Deno.test("starts are summed over programs", () => {
  assert.equal(
    compile.render(record(9, 1), exampleFrame),
    `\
Seconds from making a program to the end of its first run, less its second run, summed over the programs of the arms of study \`quick\`: training steps, questions with decoding, projections. Each start is a process of its own.

| Shader cache | Starts | Seconds (median) |         Range |
| ------------ | -----: | ---------------: | ------------: |
| empty        |      2 |            10.00 | 9.00 to 11.00 |
| warm         |      1 |             1.00 |  1.00 to 1.00 |

The cache is Mesa's (\`MESA_SHADER_CACHE_DIR\`); another driver may keep one elsewhere, which would make its cold start look warm.
`,
  );
});

Deno.test("a slow start misses its aim", () => {
  const met = (record: CompileRecord) =>
    compile.targets!(record, exampleFrame).map(({ met }) => met);
  assert.deepEqual(met(record(18, 2)), [true, true]);
  assert.deepEqual(met(record(20, 2.1)), [false, false]);
});
