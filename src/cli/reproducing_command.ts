/** The command that a report gives for its reproduction. */
import { isAbsolute } from "node:path";
import { FEATURES } from "../encoders/encoder_names.ts";
import type { StudyOptions } from "../study/options.ts";
import { shellWord } from "../study/shell_word.ts";
import { isStudyPath } from "../study/study_path.ts";

/**
 * A command line that runs the same study, with folders and files by what they are: a report says
 * nothing about the machine that made it. Where the records go changes nothing and is left out.
 *
 * @example
 * ```ts
 * import { reproducingCommand } from "./reproducing_command.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(
 *   reproducingCommand("easy-vqa", { dataDir: "/pictures", seeds: 5, lambda: [0.5, 1] }),
 *   "deno task ablate easy-vqa --lambda 0.5,1 --seeds 5 --data-dir DIR",
 * );
 * ```
 */
export function reproducingCommand(study: string, options: AblateOptions): string {
  const { dataDir, encoder, llm, from, set } = options;
  const words = ablateWords({
    ...options,
    dataDir: dataDir && "DIR",
    encoder: encoder && withoutFolder(encoder),
    llm: llm && withoutFolder(llm),
    from: from && "RECORD.json",
    set: set?.map(withoutPlace),
  });
  return ["deno task ablate", isStudyPath(study) ? "STUDY.json" : study, ...words.map(shellWord)]
    .join(" ");
}

/** What determines a study's runs on the command line. */
export type AblateOptions = StudyOptions & { dataDir?: string; adapter?: string; from?: string };

/** Options of `ablate` as words of its command line. */
export function ablateWords(options: AblateOptions): string[] {
  const { arms, lambda, seeds, data, dataDir, encoder, llm, folds, from, steps, set = [] } =
    options;
  const given: [string, string | number | undefined][] = [
    ["--arms", arms?.join(",")],
    ["--lambda", lambda?.join(",")],
    ["--seeds", seeds],
    ["--data", data],
    ["--data-dir", dataDir],
    ["--encoder", encoder],
    ["--llm", llm],
    ["--folds", folds],
    ["--from", from],
    ["--steps", steps],
    ...set.map((assignment): [string, string] => ["--set", assignment]),
    ["--adapter", options.adapter],
  ];
  return given.flatMap(([option, value]) => value === undefined ? [] : [option, `${value}`]);
}

/** Whether a text is a path of this machine; `owner/model` names a model of a hub. */
function isPlace(text: string): boolean {
  return isAbsolute(text) || text.startsWith(".") || text.includes("\\") ||
    text.split("/").length > 2;
}

function withoutFolder(model: string): string {
  if (model.startsWith(FEATURES)) return `${FEATURES}DIR`;
  return isPlace(model) ? "DIR" : model;
}

function withoutPlace(assignment: string): string {
  const [path, value] = assignment.split(/=(.*)/s);
  return isPlace(value) ? `${path}=PATH` : assignment;
}
