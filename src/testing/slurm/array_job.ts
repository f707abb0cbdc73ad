/**
 * A study through SLURM, beside the same study in one process. It needs a cluster, so it is no part
 * of the test suite; `with_slurm.sh` beside it says how it is run.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareDriver } from "../../gpu/driver.ts";
import { tinyStudy } from "../tiny_study.ts";
import { withoutTimes } from "../without_times.ts";

await prepareDriver({ quiet: true });

// Paths with spaces must come through shell, sbatch and log names.
const dir = await Deno.makeTempDir({ suffix: " it's 100%" });
addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
const [single, merged] = ["single", "merged"].map((name) => join(dir, name));
const study = join(dir, "study.json");

/** The longest run comes first: shard 1. Its second stage is cancelled. */
const LONG = "long";
const [baseline, cosine] = tinyStudy().arms;
await Deno.writeTextFile(
  study,
  JSON.stringify(tinyStudy({
    arms: [
      { ...baseline, name: "plain" },
      { ...cosine, lambda: [1] },
      { ...baseline, name: "taught", rounds: { count: 1, xi: 0.5 } },
      { ...cosine, name: LONG, lambda: [1], stages: ["first", "second"] },
    ],
    stages: [
      { name: "first", train: ["P1", "P2", "decoder"], draw: [], training: { steps: 2 } },
      { name: "second", train: ["P1", "P2", "decoder"], draw: [], training: { steps: 300 } },
    ],
    seeds: 1,
    controls: ["majority"],
  })),
);

async function output(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
    .output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  assert.ok(success, `${command} ${args.join(" ")}: ${error}`);
  return out;
}

const ablate = (...args: string[]) =>
  output(
    Deno.execPath(),
    ...["run", "--no-lock", "-A", fileURLToPath(new URL("../../cli/main.ts", import.meta.url))],
    ...["ablate", study, ...args],
  );

/** Asks until something holds. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 300_000;
  while (!await holds()) {
    assert.ok(Date.now() < end, `${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const isThere = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("a study through SLURM, one of its tasks cancelled and requeued, is that of one process", async () => {
  await ablate("--out", single);
  // Both with one kernel plan, whose timings are no part of what is compared.
  await Deno.mkdir(merged);
  await Deno.copyFile(join(single, "plan.json"), join(merged, "plan.json"));
  const { arrayJob, reportJob, tasks } = JSON.parse(
    await ablate(
      ...["--out", merged, "--json", "--engine", "slurm"],
      ...["--slurm-tasks", "2", "--slurm-array-parallelism", "2", "--slurm-partition", "main"],
      ...["--slurm-time", "10:00", "--slurm-cpus-per-task", "1", "--slurm-mem", "500M"],
      ...["--slurm-setup", "echo 'set up'", "--slurm-option", "comment=two words"],
    ),
  );
  assert.equal(tasks, 2);
  // So that the report does not come between cancelling and requeueing.
  await output("scontrol", "hold", reportJob);

  const task = `${arrayJob}_1`;
  const log = () =>
    Deno.readTextFile(join(merged, "slurm", `${task}.log`)).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    });
  const checkpoint = join(merged, "checkpoints", `${LONG}_lambda-1_seed-1.safetensors`);
  await until("the second stage", async () => (await log()).includes("after first"));
  await output("scancel", task);
  await until(
    "the end of the cancelled task",
    async () => (await output("squeue", "-h", "-j", task, "-t", "all", "-o", "%T")) === "CANCELLED",
  );
  assert.ok(await isThere(checkpoint), await log());
  await output("scontrol", "requeue", task);
  // SLURM waits two minutes otherwise.
  await output("scontrol", "update", `JobId=${task}`, "StartTime=now");
  await output("scontrol", "release", reportJob);
  await until("the end of all jobs", async () => await output("squeue", "-h") === "");

  assert.match(await log(), /^set up\n/);
  assert.match(await log(), /Stopping after this step[^]*Stopped[^]*set up\n[^]*accuracy/);
  assert.equal((await log()).match(/after first/g)?.length, 1, "the first stage was not repeated");
  assert.ok(!await isThere(checkpoint));
  const report = await Deno.readTextFile(join(merged, "slurm", `${reportJob}.log`));
  assert.match(report, /\nReport: /);
  assert.deepEqual(await withoutTimes(merged), await withoutTimes(single));
});
