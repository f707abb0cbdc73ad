/** `ablate --engine slurm`: submits a study as jobs of SLURM. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { replaceFile } from "../data/replace_file.ts";
import { cacheDir } from "../gpu/cache.ts";
import { expandGrid } from "../study/grid.ts";
import { dataByRun, loadStudyData, outlineStudy } from "../study/prepare.ts";
import { chainsOf } from "../study/shards.ts";
import { arrayScript, MOST_TASKS, reportScript, type SlurmSettings } from "../study/slurm.ts";
import type { Study } from "../study/study.ts";
import { moveAside } from "./out_folder.ts";
import { callerDir } from "./paths.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url)).replace(/(?<=.)\/$/, "");

/** How a study is submitted. */
export interface SubmitOptions {
  /** Folder of records and report, on all nodes. */
  out: string;
  dataDir?: string;
  /** Words behind `ablate` that every task is given. */
  words: string[];
  /** Most tasks; one a run when absent, as far as an array job goes. */
  tasks?: number;
  slurm: SlurmSettings;
  /** Moves earlier records aside. */
  fresh?: true;
  /** Prints the scripts and submits nothing. */
  dryRun?: true;
  /** Prints the jobs, or the scripts, as JSON. */
  json?: true;
}

/**
 * Submits a study: an array job that runs its shards, and a job that writes the report when all of
 * them have ended, well or not.
 *
 * @throws {Error} If anything is wrong with the study, or sbatch is not there or refuses a job.
 */
export async function submitSlurm(study: Study, options: SubmitOptions): Promise<void> {
  const { out, dataDir, words, slurm, fresh, dryRun, json } = options;
  const runs = expandGrid(study);
  const chains = chainsOf(runs).length;
  // What a task would refuse is refused here.
  const dataset = await loadStudyData(study, { dataDir });
  dataByRun(study, { encoder: await outlineStudy(study, dataset, cacheDir()) })(runs[0]);
  const tasks = Math.min(chains, options.tasks ?? MOST_TASKS);
  // As the tasks of deno.json do.
  const start = (...permissions: string[]) => [
    ...[Deno.execPath(), "run", ...permissions.map((kind) => `--allow-${kind}`)],
    "src/cli/start.ts",
  ];
  const jobs = {
    name: study.name,
    ...{ out, tasks, project: PROJECT, callerDir: callerDir() },
    ablate: [...start("read", "write", "env", "run"), "ablate", ...words, "--out", out],
    report: [...start("read", "env", "run"), "report", out],
  };
  const folder = join(out, "slurm");
  const array = { path: join(folder, "array.sh"), text: arrayScript(jobs, slurm) };
  const report = { path: join(folder, "report.sh"), text: reportScript(jobs, slurm) };
  if (dryRun) {
    const scripts = { array: array.text, report: report.text };
    console.log(
      json ? JSON.stringify(scripts, null, 2) : `${array.text}\n${report.text}`.trimEnd(),
    );
    return;
  }
  // Whether it is there: nothing is moved aside for a study that cannot be submitted.
  await runSbatch(["--version"]);
  const aside = fresh ? await moveAside(out) : null;
  if (aside) console.error(`Earlier records are now in ${aside}`);
  await Deno.mkdir(folder, { recursive: true });
  for (const { path, text } of [array, report]) await replaceFile(path, text);
  const arrayJob = await sbatch(array.path);
  const reportJob = await sbatch(`--dependency=afterany:${arrayJob}`, report.path);
  console.log(
    json
      ? JSON.stringify({ tasks, arrayJob, reportJob })
      : `Submitted ${tasks} tasks as job ${arrayJob}, and the report as job ${reportJob}\n\n` +
        `Logs: ${folder}\nReport: ${join(out, "REPORT.md")}`,
  );
}

/** Submits a job and gives its number. */
async function sbatch(...words: string[]): Promise<string> {
  const { success, stdout, stderr } = await runSbatch(["--parsable", ...words]);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(`Cannot submit job: ${text(stderr)}`);
  // JOB, or JOB;CLUSTER.
  return text(stdout).split(";")[0];
}

async function runSbatch(args: string[]): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command("sbatch", { args }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      "Cannot submit the study: there is no sbatch here; submit where SLURM is installed, or see the scripts with --dry-run",
    );
  }
}
