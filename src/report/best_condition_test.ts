import assert from "node:assert/strict";
import type { Verdict } from "../evaluation/intervals.ts";
import { exampleRun } from "../records/example_records.ts";
import { bestConditions } from "./best_condition.ts";
import { type Condition, groupRuns } from "./conditions.ts";

function condition(arm: string, color: number, stage = "projector"): Condition {
  return groupRuns([exampleRun({ arm, stage, color, lambda: arm === "baseline" ? 0 : 1 })])[0];
}

function best(...rows: [Condition, Verdict | null][]): string[] {
  const judged = rows.map(([condition, verdict]) => ({ condition, verdict }));
  return [...bestConditions(judged)].map(({ arm, stage }) => `${arm} ${stage}`);
}

const baseline = condition("baseline", 0.8);

Deno.test("an arm is best where its verdict is higher", () => {
  assert.deepEqual(best([baseline, null], [condition("a", 0.9), "higher"]), ["a projector"]);
  assert.deepEqual(best([baseline, null], [condition("a", 0.9), "cannot tell"]), []);
});

Deno.test("only the most accurate arm is best, and not where its own verdict cannot tell", () => {
  const a = condition("a", 0.9);
  const b = condition("b", 0.95);
  assert.deepEqual(best([baseline, null], [a, "higher"], [b, "higher"]), ["b projector"]);
  assert.deepEqual(best([baseline, null], [a, "higher"], [b, "cannot tell"]), []);
});

Deno.test("the baseline is best where every other arm is lower", () => {
  const a = condition("a", 0.7);
  const b = condition("b", 0.6);
  assert.deepEqual(best([baseline, null], [a, "lower"], [b, "lower"]), ["baseline projector"]);
  assert.deepEqual(best([baseline, null], [a, "lower"], [b, "cannot tell"]), []);
});

Deno.test("a tie has no best, nor has an arm alone", () => {
  assert.deepEqual(
    best([baseline, null], [condition("a", 0.9), "higher"], [condition("b", 0.9), "higher"]),
    [],
  );
  assert.deepEqual(best([baseline, null]), []);
});

Deno.test("every stage has its own best", () => {
  const late = condition("baseline", 0.99, "projector+lora");
  assert.deepEqual(
    best([baseline, null], [condition("a", 0.9), "higher"], [late, null], [
      condition("a", 0.9, "projector+lora"),
      "lower",
    ]),
    ["a projector", "baseline projector+lora"],
  );
});
