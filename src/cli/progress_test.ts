import assert from "node:assert/strict";
import { lineProgress } from "./progress.ts";

Deno.test("work that goes on has a line about every ten seconds, and one when it is done", () => {
  const lines: string[] = [];
  let now = 0;
  const { task } = lineProgress((line) => lines.push(line), () => now);
  for (let done = 1; done <= 100; done++) {
    now += 250;
    task("Training", done, 100);
  }
  assert.deepEqual(lines, ["Training: 40 of 100", "Training: 80 of 100", "Training: 100 of 100"]);
});

Deno.test("quick work has its last line only", () => {
  const lines: string[] = [];
  const { task } = lineProgress((line) => lines.push(line), () => 0);
  for (const done of [1, 2, 3]) task("Encoding", done, 3);
  assert.deepEqual(lines, ["Encoding: 3 of 3"]);
});

Deno.test("what is said is one line as it is", () => {
  const lines: string[] = [];
  const { say, stop } = lineProgress((line) => lines.push(line));
  say("12 runs");
  stop();
  assert.deepEqual(lines, ["12 runs"]);
});
