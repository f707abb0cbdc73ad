/** `ablate`: trains and compares the arms of a study, and writes its report. */
import { Command, Option } from "@commander-js/extra-typings";
import { join } from "node:path";
import { isFile, isFolder } from "../data/if_there.ts";
import { ENCODERS_IN_WORDS, FEATURES } from "../encoders/encoder_names.ts";
import { loadStudy } from "../study/load.ts";
import { applyOptions, parseLambdas } from "../study/options.ts";
import { parseShard } from "../study/shards.ts";
import type { SlurmSettings } from "../study/slurm.ts";
import { isStudyPath } from "../study/study_path.ts";
import { numberThat, positiveInteger } from "./numbers.ts";
import { orInvalid } from "./or_invalid.ts";
import { callerDir, callerPath, namedPath } from "./paths.ts";
import { printPlan } from "./print_plan.ts";
import { LOGS } from "./progress.ts";
import { ablateWords, reproducingCommand } from "./reproducing_command.ts";
import { runStudy } from "./run_study.ts";
import { submitSlurm } from "./submit_slurm.ts";

/** Where the runs of a study can be done. */
const ENGINES = ["local", "slurm"] as const;

/** The command `ablate`. */
export function ablateCommand() {
  return new Command("ablate")
    .summary("train and compare the arms of a study")
    .description(
      "Trains every arm of a study under equal conditions and writes a report. Finished runs are kept and skipped.",
    )
    .argument("[study]", "a study under ablations/, or the path of a study file", "quick")
    .option(
      "--out <dir>",
      "folder of records and report (default: runs/ and the study's name)",
      orInvalid(namedPath),
    )
    .option("--arms <list>", "only these arms, joined by commas", orInvalid(names))
    .option(
      "--lambda <list|from:to:step>",
      "weights of the regulariser, in place of the study's",
      orInvalid(parseLambdas),
    )
    .option("--seeds <n>", "number of seeds, from 1", orInvalid(positiveInteger("seeds")))
    .option("--data <name>", "data set")
    .option(
      "--data-dir <dir>",
      "folder of the data set, in its official layout",
      orInvalid(namedPath),
    )
    .option("--encoder <name|dir>", ENCODERS_IN_WORDS)
    .option(
      "--llm <name|dir>",
      "embedded, a folder in Hugging Face's layout, or its name on the hub",
    )
    .option("--folds <k>", "folds of cross-validation", orInvalid(positiveInteger("folds")))
    .addOption(
      new Option(
        "--from <run>",
        "train nothing: test the saved run of this record, runs/NAME.json of a study's folder",
      ).argParser(orInvalid(namedPath)).conflicts(["arms", "lambda", "seeds", "folds", "steps"]),
    )
    .option("--steps <n>", "optimiser steps of every stage", orInvalid(positiveInteger("steps")))
    .option(
      "--set <path=value>",
      "any other field of the study, as in training.batch=8; may be repeated",
      collect,
    )
    .option(
      "--adapter <name>",
      "system, lavapipe, swiftshader, or part of an adapter's description",
    )
    .option(
      "--checkpoint-every <seconds>",
      "seconds of training between two checkpoints of a run (default: 60)",
      orInvalid(numberThat("It", (value) => value >= 0, "a number of seconds")),
    )
    .addOption(
      new Option("--log <kind>", "progress as one JSON object a line").choices(LOGS),
    )
    .option("--dry-run", "list the runs and what they will cost, and stop")
    .option("--fresh", "move earlier records of this folder aside and begin anew")
    .option("--json", "print the results (or, with --dry-run, the plan) as JSON")
    .addOption(
      new Option("--shard <i/n>", "only the i-th of n shares of the runs, for one of n processes")
        .argParser(orInvalid(parseShard)).conflicts("fresh"),
    )
    .addOption(
      new Option("--engine <name>", "where the runs are done: here, or as jobs of SLURM")
        .choices(ENGINES).default("local" as const),
    )
    .option("--slurm-partition <name>", "partition of the jobs")
    .option("--slurm-account <name>", "account of the jobs")
    .option("--slurm-time <time>", "time limit of a job, as in 2:00:00")
    .option("--slurm-mem <size>", "memory of a task, as in 16G")
    .option(
      "--slurm-cpus-per-task <n>",
      "processors of a task",
      orInvalid(positiveInteger("processors")),
    )
    .option(
      "--slurm-tasks <n>",
      "tasks of the array job (default: one a run, at most 1000)",
      orInvalid(positiveInteger("tasks")),
    )
    .option(
      "--slurm-array-parallelism <n>",
      "most tasks at once",
      orInvalid(positiveInteger("tasks at once")),
    )
    .option(
      "--slurm-setup <line>",
      "a shell line before the command, as in 'module load vulkan'; may be repeated",
      collect,
    )
    .option(
      "--slurm-option <name=value>",
      "any other option of sbatch for the tasks, as in gres=gpu:1; may be repeated",
      collect,
    )
    .action(async (name, options, command) => {
      const { engine, shard } = options;
      const misplaced = Object.keys(options).find((option) =>
        engine === "slurm" ? ["shard", "from"].includes(option) : option.startsWith("slurm")
      );
      if (misplaced) {
        const { flags } = command.options.find((each) => each.attributeName() === misplaced)!;
        command.error(`error: option '${flags}' cannot be used with --engine ${engine}`);
      }
      if (options.out && await isFile(options.out)) {
        command.error(`error: option '--out <dir>' needs a folder: "${options.out}" is a file`);
      }
      const changes = {
        ...options,
        encoder: options.encoder && await folderOrName(options.encoder),
        llm: options.llm && await folderOrName(options.llm),
      };
      const study = applyOptions(await loadStudy(name, callerDir()), changes);
      const { dataDir, adapter, json, fresh, from, checkpointEvery, log } = options;
      const out = options.out ??
        callerPath(join("runs", from ? `${study.name}-tested` : study.name));
      if (engine === "slurm") {
        const { dryRun, slurmTasks: tasks } = options;
        const words = [
          studyWord(name),
          ...ablateWords(changes),
          ...(checkpointEvery === undefined ? [] : ["--checkpoint-every", `${checkpointEvery}`]),
          ...(log ? ["--log", log] : []),
        ];
        const slurm = slurmSettings(options);
        return await submitSlurm(study, { out, dataDir, words, tasks, slurm, fresh, dryRun, json });
      }
      if (options.dryRun) return await printPlan(study, { dataDir, adapter, json, from, shard });
      await runStudy(study, {
        out,
        dataDir,
        adapter,
        fresh,
        json,
        from,
        shard,
        checkpointEvery,
        log,
        command: reproducingCommand(name, changes),
      });
    });
}

/** What SLURM is asked for. */
function slurmSettings(options: {
  slurmPartition?: string;
  slurmAccount?: string;
  slurmTime?: string;
  slurmMem?: string;
  slurmCpusPerTask?: number;
  slurmArrayParallelism?: number;
  slurmSetup?: string[];
  slurmOption?: string[];
}): SlurmSettings {
  return {
    partition: options.slurmPartition,
    account: options.slurmAccount,
    time: options.slurmTime,
    mem: options.slurmMem,
    cpusPerTask: options.slurmCpusPerTask,
    arrayParallelism: options.slurmArrayParallelism,
    setup: options.slurmSetup,
    option: options.slurmOption,
  };
}

/** A study file as a whole path, a study's name as it is. */
function studyWord(name: string): string {
  return isStudyPath(name) ? callerPath(name) : name;
}

/** A model's folder as a whole path, or its name as it is. */
async function folderOrName(model: string): Promise<string> {
  if (model.startsWith(FEATURES)) return FEATURES + callerPath(model.slice(FEATURES.length));
  const path = callerPath(model);
  return await isFolder(path) ? path : model;
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function names(text: string): string[] {
  const list = text.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (list.length === 0) throw new RangeError("No arm is named");
  return list;
}
