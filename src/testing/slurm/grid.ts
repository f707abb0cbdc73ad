/**
 * A grid of 64 runs through SLURM, beside the same grid in one process: the same records and the same
 * report, times aside. Too long for every change; it needs a cluster, as `array_job.ts` does:
 *
 *     src/testing/slurm/with_slurm.sh ./plumbline test src/testing/slurm/grid.ts
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareDriver } from "../../gpu/driver.ts";
import { tinyStudy } from "../tiny_study.ts";
import { withoutTimes } from "../without_times.ts";

const SEEDS = 16;
const RUNS = 64;
const TASKS = 8;

await prepareDriver({ quiet: true });

const dir = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
const [single, merged] = ["single", "merged"].map((name) => join(dir, name));
const study = join(dir, "study.json");
const [baseline, ...others] = tinyStudy().arms;
await Deno.writeTextFile(
  study,
  JSON.stringify(tinyStudy({
    arms: [baseline, ...others.map((arm) => ({ ...arm, lambda: [1] }))],
    seeds: SEEDS,
  })),
);

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  assert.ok(success, `${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

const ablate = (...args: string[]) =>
  run(
    Deno.execPath(),
    ...["run", "--no-lock", "-A", fileURLToPath(new URL("../../cli/main.ts", import.meta.url))],
    ...["ablate", study, ...args],
  );

Deno.test(`${RUNS} runs through SLURM are those of one process`, async () => {
  const start = performance.now();
  await ablate("--out", single);
  const alone = performance.now();
  // Both with one kernel plan, whose timings are no part of what is compared.
  await Deno.mkdir(merged);
  await Deno.copyFile(join(single, "plan.json"), join(merged, "plan.json"));
  await ablate(
    ...["--out", merged, "--engine", "slurm", "--slurm-tasks", String(TASKS)],
    ...["--slurm-partition", "main", "--slurm-time", "30:00", "--slurm-mem", "500M"],
  );
  while (!await isIdle()) await new Promise((resolve) => setTimeout(resolve, 500));
  const together = performance.now();
  console.log(
    `One process ${Math.round((alone - start) / 1000)} s, ${TASKS} tasks ${
      Math.round((together - alone) / 1000)
    } s`,
  );
  const [one, several] = [await withoutTimes(single), await withoutTimes(merged)];
  assert.equal(one.runs.length, RUNS);
  assert.deepEqual(several, one);
});

/** Whether no job is left. */
async function isIdle(): Promise<boolean> {
  const { stdout } = await new Deno.Command("squeue", { args: ["-h"], stdin: "null" }).output();
  return stdout.length === 0;
}
