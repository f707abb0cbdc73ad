import assert from "node:assert/strict";
import { exampleRun, exampleRuns } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { drawFigures } from "./figures.ts";

const files = (runs: Parameters<typeof groupRuns>[0]) =>
  drawFigures(groupRuns(runs)).map(({ file }) => file);

Deno.test("every quantity that the records have is drawn", () => {
  assert.deepEqual(files(exampleRuns([1, 2])), [
    "token_loss.svg",
    "cosine_loss.svg",
    "validation_accuracy.svg",
  ]);
});

Deno.test("each of several stages has figures of its own", () => {
  const runs = exampleRuns([1]), { stage } = runs[0];
  const stages = [...runs, ...runs.map((run) => ({ ...run, stage: "all" }))];
  assert.deepEqual(files(stages).slice(0, 2), ["token_loss_all.svg", `token_loss_${stage}.svg`]);
  const { title, svg } = drawFigures(groupRuns(stages))[0];
  assert.equal(title, "Token loss during training, stage all");
  assert.ok(svg.includes("baseline (all)") && !svg.includes(`baseline (${stage})`));
});

Deno.test("a quantity that no run has is not drawn", () => {
  const { losses } = exampleRun();
  assert.deepEqual(files([exampleRun({ losses: { ...losses, validation: [] } })]), [
    "token_loss.svg",
  ]);
});

Deno.test("only arms with a cosine loss stand in its figure", () => {
  const { svg } = drawFigures(groupRuns(exampleRuns([1])))[1];
  assert.ok(svg.includes("cosine-constraint (λ = 1)"));
  assert.ok(!svg.includes("baseline"));
});

Deno.test("steps that only some seeds have are left out", () => {
  const first = exampleRun(), second = exampleRun({ seed: 2 }), longer = exampleRun({ seed: 2 });
  longer.losses.curve.push({ step: 1000, tokenLoss: 9, cosineLoss: null });
  const drawn = (runs: typeof first[]) => drawFigures(groupRuns(runs))[0].svg;
  assert.equal(drawn([first, longer]), drawn([first, second]));
  assert.notEqual(drawn([longer]), drawn([second]));
});

Deno.test("losses that are not finite leave gaps, never NaN", () => {
  const { losses } = exampleRun();
  const diverged = {
    ...losses,
    curve: losses.curve.map((point, i) => i === 3 ? { ...point, tokenLoss: NaN } : point),
  };
  const { svg } = drawFigures(groupRuns([exampleRun({ losses: diverged })]))[0];
  assert.doesNotMatch(svg, /NaN/);
});
