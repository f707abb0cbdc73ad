import assert from "node:assert/strict";
import { join } from "node:path";
import { goldenFolder, readGolden } from "../testing/golden.ts";
import { printed } from "../testing/printed.ts";
import { vqaAccuracyCommand } from "./vqa_accuracy.ts";

/** What the command prints about the golden files. */
async function print(...options: string[]): Promise<string> {
  const files = ["questions", "annotations", "results"].flatMap((name) => [
    `--${name}`,
    join(goldenFolder(), "vqa_metric", `${name}.json`),
  ]);
  const run = () => vqaAccuracyCommand().parseAsync([...files, ...options], { from: "user" });
  return (await printed(run)).out;
}

const { accuracy, evalQA } = readGolden("vqa_metric", "expected").json;

Deno.test("vqa-accuracy --json prints accuracy and the score of every question", async () => {
  assert.deepEqual(JSON.parse(await print("--json")), { accuracy, evalQA });
});

Deno.test("vqa-accuracy prints a Markdown table, a line a type", async () => {
  const cells = (await print()).split("\n").map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
  assert.deepEqual(cells[0], ["Questions", "Type", "VQA accuracy, %"]);
  assert.deepEqual(cells.slice(2).map(([kind, type, percent]) => [kind, type, Number(percent)]), [
    ["all", `${Object.keys(evalQA).length} questions`, accuracy.overall],
    ...Object.entries(accuracy.perAnswerType).map((entry) => ["answer type", ...entry]),
    ...Object.entries(accuracy.perQuestionType).map((entry) => ["question type", ...entry]),
  ]);
});

Deno.test("vqa-accuracy --normalise always gives more where people agree", async () => {
  const { accuracy: always } = JSON.parse(await print("--json", "--normalise", "always"));
  assert.ok(always.overall > accuracy.overall);
});
