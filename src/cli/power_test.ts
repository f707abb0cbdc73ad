import assert from "node:assert/strict";
import { printed } from "../testing/printed.ts";
import { planStudy, powerCommand } from "./power.ts";

const common = { power: 0.8, alpha: 0.05, comparisons: 1, correlation: 0 };

/** What the command prints. */
async function print(args: string): Promise<string> {
  const run = () => powerCommand().parseAsync(args.split(" "), { from: "user" });
  return (await printed(run)).out;
}

Deno.test("power says the seeds for an effect, and what they find", async () => {
  assert.equal(
    await print("--effect 0.5 --sd 1 --power 0.8"),
    "Paired t test over seeds, two-sided, level 0.05; per-seed differences vary by 1 points\n" +
      "To find 0.5 points with power 0.8: 34 seeds\n" +
      "With 34 seeds: power 0.808 for 0.5 points, 0.495 points detectable with power 0.8",
  );
});

Deno.test("more comparisons need more seeds", async () => {
  const text = await print("--effect 0.5 --sd 1 --power 0.8 --comparisons 4");
  assert.match(text, /level 0\.0125 \(0\.05 over 4 comparisons, Holm's first step\)/);
  assert.ok(Number(text.match(/power 0\.8: (\d+) seeds/)![1]) > 34);
});

Deno.test("questions add their noise to that of the seeds", () => {
  const asked = { ...common, effect: 1, sd: 0.6, accuracy: 75 };
  const many = planStudy({ ...asked, questions: 1_000_000 });
  const few = planStudy({ ...asked, questions: 1000 });
  // Without correlation a question's difference has the variance 2 x 0.75 x 0.25.
  assert.ok(Math.abs(few.sd - Math.sqrt(0.6 ** 2 + 1e4 * 0.375 / 1000)) < 1e-12);
  assert.ok(few.seedsNeeded! > many.seedsNeeded!);
});

Deno.test("the questions that are needed are enough for the seeds", () => {
  const asked = { ...common, effect: 1, sd: 0.3, accuracy: 75, correlation: 0.6, seeds: 8 };
  const { questionsNeeded } = planStudy(asked);
  assert.ok(planStudy({ ...asked, questions: questionsNeeded! }).power! >= 0.8 - 1e-6);
  assert.ok(planStudy({ ...asked, questions: questionsNeeded! - 1 }).power! < 0.8);
});

Deno.test("what no number reaches is said, and is null in JSON", async () => {
  const args = "--effect 0.1 --sd 1 --seeds 5 --accuracy 75";
  assert.match(await print(args), /: no number is enough, the seeds alone vary too much$/);
  assert.equal(JSON.parse(await print(`${args} --json`)).questionsNeeded, null);
});

Deno.test("questions without an accuracy are refused", () => {
  assert.throws(
    () => planStudy({ ...common, effect: 1, sd: 1, questions: 100 }),
    /Cannot weigh the noise of --questions: give their --accuracy too/,
  );
});
