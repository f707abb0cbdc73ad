/** The command line of Plumbline. */
import { Command, CommanderError } from "@commander-js/extra-typings";
import { printable } from "../data/one_line.ts";
import { VERSION } from "../study/run_record.ts";
import { ablateCommand } from "./ablate.ts";
import { doctorCommand } from "./doctor.ts";
import { embeddingStatsCommand } from "./embedding_stats.ts";
import { generateCommand } from "./generate.ts";
import { powerCommand } from "./power.ts";
import { pretrainCommand } from "./pretrain.ts";
import { reportCommand } from "./report.ts";
import { tuneCommand } from "./tune.ts";
import { vqaAccuracyCommand } from "./vqa_accuracy.ts";

/** Exit code of a command line that cannot be understood. */
const USAGE = 2;

/** The command line: its commands and their options. */
export function commandLine(): Command {
  const program = new Command("plumbline")
    .description(
      "Does regularising the vision-to-language projector help? A GPU benchmark and ablation suite.",
    )
    .version(VERSION)
    // An option belongs to the command that it stands behind.
    .enablePositionalOptions();
  for (
    const command of [
      ablateCommand(),
      doctorCommand(),
      embeddingStatsCommand(),
      generateCommand(),
      powerCommand(),
      pretrainCommand(),
      reportCommand(),
      tuneCommand(),
      vqaAccuracyCommand(),
    ]
  ) {
    program.addCommand(command as unknown as Command);
  }
  return program as Command;
}

/** Runs a command line. Errors become one line on standard error and an exit code. */
export async function main(args: string[]): Promise<void> {
  const program = quiet(commandLine());
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong (or printed the help that was asked for).
      Deno.exitCode = error.exitCode === 0 ? 0 : USAGE;
      return;
    }
    if (Deno.env.get("PLUMBLINE_DEBUG")) throw error;
    console.error(describe(error));
    Deno.exitCode = 1;
  }
}

/** Commander's output; it would put a suggestion on a line of its own. */
const OUTPUT = {
  writeOut: (text: string) => console.log(text.trimEnd()),
  writeErr: (text: string) => console.error(text.trimEnd()),
  outputError: (text: string) => console.error(printable(text)),
};

/** A command that leaves exit and output to the program, and those below it. */
function quiet(command: Command): Command {
  for (const below of command.commands) quiet(below as Command);
  return command.exitOverride().configureOutput(OUTPUT);
}

/** An error in one line. */
function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // Deno's advice is about options that the tasks do not take.
  const said = error instanceof Deno.errors.NotCapable
    ? message.replace(
      /, run again with .*$/s,
      ", and a command may touch only the project, the cache and what its command line names",
    )
    : message;
  return printable(`error: ${said}`);
}

/**
 * Ends the program in one line for errors that no one awaits, such as those that the GPU reports by
 * itself.
 */
export function endOnUncaught(): void {
  const end = (event: Event, error: unknown) => {
    event.preventDefault();
    console.error(describe(error));
    Deno.exit(1);
  };
  addEventListener("error", (event) => end(event, event.error));
  addEventListener("unhandledrejection", (event) => end(event, event.reason));
}

if (import.meta.main) {
  if (!Deno.env.get("PLUMBLINE_DEBUG")) endOnUncaught();
  await main(Deno.args);
  // Handles that a library keeps open must not keep a finished program alive.
  Deno.exit();
}
