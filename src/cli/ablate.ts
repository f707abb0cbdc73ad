/** `ablate`: trains and compares the arms of a study, and writes its report. */
import { Command } from "@commander-js/extra-typings";
import { join } from "node:path";
import { FEATURES } from "../encoders/precomputed.ts";
import { loadStudy } from "../study/load.ts";
import { applyOptions, parseLambdas } from "../study/options.ts";
import { callerDir, callerPath } from "./paths.ts";
import { printPlan } from "./print_plan.ts";
import { reproducingCommand } from "./reproducing_command.ts";
import { orInvalid } from "./or_invalid.ts";
import { runStudy } from "./run_study.ts";
import { positiveInteger } from "./whole_number.ts";

/** The command `ablate`. */
export function ablateCommand() {
  return new Command("ablate")
    .summary("train and compare the arms of a study")
    .description(
      "Trains every arm of a study under equal conditions and writes a report. Finished runs are kept and skipped.",
    )
    .argument("[study]", "a study under ablations/, or the path of a study file", "quick")
    .option("--out <dir>", "folder of records and report (default: runs/STUDY)", orInvalid(folder))
    .option("--arms <list>", "only these arms, joined by commas", orInvalid(names))
    .option(
      "--lambda <list|from:to:step>",
      "weights of the regulariser, in place of the study's",
      orInvalid(parseLambdas),
    )
    .option("--seeds <n>", "number of seeds, from 1", orInvalid(positiveInteger("seeds")))
    .option("--data <name>", "data set")
    .option("--data-dir <dir>", "folder of the data set, in its official layout", orInvalid(folder))
    .option(
      "--encoder <name|dir>",
      "embedded, patches, hog, a folder with a CLIP checkpoint, features:DIR, or an image model of transformers.js by hub name or folder",
    )
    .option(
      "--llm <name|dir>",
      "embedded, a folder in Hugging Face's layout, or its name on the hub",
    )
    .option("--folds <k>", "folds of cross-validation", orInvalid(positiveInteger("folds")))
    .option(
      "--from <run>",
      "train nothing: test the saved run of this record, runs/NAME.json of a study's folder",
      orInvalid(folder),
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
    .option("--dry-run", "list the runs and what they will cost, and stop")
    .option("--fresh", "move earlier records of this folder aside and begin anew")
    .option("--json", "print the results (or, with --dry-run, the plan) as JSON")
    .action(async (name, options) => {
      const changes = {
        ...options,
        encoder: options.encoder && await folderOrName(options.encoder),
        llm: options.llm && await folderOrName(options.llm),
      };
      const study = applyOptions(await loadStudy(name, callerDir()), changes);
      const { dataDir, adapter, json, fresh, from } = options;
      if (options.dryRun) return await printPlan(study, { dataDir, adapter, json });
      const out = options.out ??
        callerPath(join("runs", from ? `${study.name}-tested` : study.name));
      await runStudy(study, {
        out,
        dataDir,
        adapter,
        fresh,
        json,
        from,
        command: reproducingCommand(name, changes),
      });
    });
}

/** A model's folder as a whole path, or its name as it is. */
async function folderOrName(model: string): Promise<string> {
  if (model.startsWith(FEATURES)) return FEATURES + callerPath(model.slice(FEATURES.length));
  const path = callerPath(model);
  return await Deno.stat(path).then(
    ({ isDirectory }) => isDirectory ? path : model,
    () => model,
  );
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function folder(path: string): string {
  if (path.trim() === "") throw new RangeError("No folder is named");
  return callerPath(path);
}

function names(text: string): string[] {
  const list = text.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (list.length === 0) throw new RangeError("No arm is named");
  return list;
}
