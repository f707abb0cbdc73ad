/**
 * A study as jobs of SLURM: one array job whose tasks are shards, and one job behind it that writes
 * the report. Options are named as submitit names them, and mean what sbatch says of them
 * (https://slurm.schedmd.com/sbatch.html).
 */
import { shellWord } from "./shell_word.ts";

/** What the scheduler is asked for; what is absent it decides. */
export interface SlurmSettings {
  partition?: string;
  account?: string;
  /** Time limit of a job, such as `2:00:00`. */
  time?: string;
  /** Memory of a task, such as `16G`. */
  mem?: string;
  cpusPerTask?: number;
  /** Most tasks at once. */
  arrayParallelism?: number;
  /** Shell lines before the command, such as `module load vulkan`. */
  setup?: readonly string[];
  /** Any other options of sbatch for the tasks, `name=value` or `name`, such as `gres=gpu:1`. */
  option?: readonly string[];
}

/** What the jobs do. */
export interface SlurmStudy {
  /** Of the study, for the jobs' names. */
  name: string;
  /** The study's folder, which all nodes share. */
  out: string;
  /** Number of shards. */
  tasks: number;
  /** The project's folder, in which the commands start. */
  project: string;
  /** Folder that relative paths of the command line start from. */
  callerDir: string;
  /** Words of the command that runs a shard, but for `--shard`. */
  ablate: readonly string[];
  /** Words of the command that writes the report. */
  report: readonly string[];
}

/**
 * Most tasks of an array job where no number is asked for: the largest index that SLURM allows by
 * default (MaxArraySize of slurm.conf is 1001).
 */
export const MOST_TASKS = 1000;

/** The script of the array job: task i of n runs shard i/n, again where it is requeued. */
export function arrayScript(study: SlurmStudy, settings: SlurmSettings): string {
  const { name, tasks, ablate } = study;
  const { mem, cpusPerTask, arrayParallelism, option = [] } = settings;
  const atOnce = arrayParallelism === undefined ? "" : `%${arrayParallelism}`;
  return script(study, settings, [
    `job-name=plumbline-${name}`,
    `array=1-${tasks}${atOnce}`,
    logOption(study, "%A_%a"),
    "open-mode=append",
    "requeue",
    ...given({ mem, "cpus-per-task": cpusPerTask }),
    ...option,
  ], `${ablate.map(shellWord).join(" ")} --shard "$SLURM_ARRAY_TASK_ID/${tasks}"`);
}

/** The script of the job that writes the report of what is there. */
export function reportScript(study: SlurmStudy, settings: SlurmSettings): string {
  return script(study, settings, [
    `job-name=plumbline-${study.name}-report`,
    logOption(study, "%j"),
  ], study.report.map(shellWord).join(" "));
}

function script(
  { project, callerDir }: SlurmStudy,
  { partition, account, time, setup = [] }: SlurmSettings,
  options: readonly string[],
  command: string,
): string {
  const lines = [
    "#!/bin/bash",
    ...[...options, ...given({ partition, account, time })].map((each) => `#SBATCH ${word(each)}`),
    "set -e",
    `cd ${shellWord(project)}`,
    `export INIT_CWD=${shellWord(callerDir)}`,
    ...setup,
    // Instead of the shell, so that the scheduler's signal reaches it.
    `exec ${command}`,
  ];
  return lines.join("\n") + "\n";
}

function given(options: Record<string, string | number | undefined>): string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`]
  );
}

/** Logs stand in the study's folder; in their names a percent sign begins a variable. */
function logOption({ out }: SlurmStudy, name: string): string {
  return `output=${out.replaceAll("%", "%%")}/slurm/${name}.log`;
}

/**
 * `name=value` as sbatch reads it in a script: in double quotes, where a backslash escapes.
 *
 * @throws {RangeError} If it has more than one line.
 */
function word(option: string): string {
  if (/[\r\n]/.test(option)) {
    throw new RangeError(
      `Cannot write option of sbatch: it has several lines: ${JSON.stringify(option)}`,
    );
  }
  const [, name, value] = /^([^=]+)(=.*)?$/.exec(option) ?? [];
  if (!name || !/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new RangeError(
      `Cannot write option of sbatch "${option}": it must be name=value, as in gres=gpu:1`,
    );
  }
  if (value === undefined || /^=[\w.,:/@%+-]*$/.test(value)) return `--${option}`;
  return `--${name}="${value.slice(1).replace(/[\\"]/g, "\\$&")}"`;
}
