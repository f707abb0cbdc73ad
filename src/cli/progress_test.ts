import assert from "node:assert/strict";
import { jsonProgress, lineProgress, type RunStep, type RunTitle } from "./progress.ts";

const title: RunTitle = { run: 3, runs: 12, arm: "baseline", lambda: 0, seed: 1 };
const at: RunStep = {
  ...{ stage: "all", step: 40, steps: 100, loss: 1.23456, share: 0.4 },
  pace: { share: 0.2, questionsPerSecond: 213.4, runLeft: 25, gridLeft: 600 },
};
const unknown = { share: 0.2, questionsPerSecond: null, runLeft: null, gridLeft: null };

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

Deno.test("a run's line has its loss, its speed and the time that is left, once they are known", () => {
  const lines: string[] = [];
  let now = 0;
  const { step, ended } = lineProgress((line) => lines.push(line), () => now);
  step(title, at);
  now = 10_000;
  step(title, at);
  now = 20_000;
  step({ ...title, fold: 2, round: 1 }, { ...at, pace: unknown });
  ended(title, "accuracy 54.4 %");
  assert.deepEqual(lines, [
    "[3/12] baseline lambda 0 seed 1 all, loss 1.235, 213 questions/s: 40 of 100 | 10 min left",
    "[3/12] baseline lambda 0 seed 1 fold 2 round 1 all, loss 1.235: 40 of 100",
    "[3/12] baseline lambda 0 seed 1: accuracy 54.4 %",
  ]);
});

Deno.test("a log of JSON lines has every event with its time", () => {
  const lines: string[] = [];
  const log = jsonProgress((line) => lines.push(line), () => "2026-01-01T00:00:00.000Z");
  log.say('Adapter: "llvmpipe"');
  log.task("Encoding", 1, 3);
  log.step(title, { ...at, pace: unknown });
  log.ended(title, "accuracy 54.4 %");
  log.stop();
  const time = "2026-01-01T00:00:00.000Z";
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [
    { time, event: "message", text: 'Adapter: "llvmpipe"' },
    { time, event: "task", what: "Encoding", done: 1, total: 3 },
    {
      ...{ time, event: "step", ...title, stage: "all", step: 40, steps: 100, loss: 1.23456 },
      ...{ questionsPerSecond: null, runShare: 0.4, runSecondsLeft: null },
      ...{ gridShare: 0.2, gridSecondsLeft: null },
    },
    { time, event: "end", ...title, note: "accuracy 54.4 %" },
  ]);
});
