/** The command line of Plumbline. */
import { Command, CommanderError } from "@commander-js/extra-typings";
import { VERSION } from "../study/ablate.ts";
import { ablateCommand } from "./ablate.ts";
import { doctorCommand } from "./doctor.ts";
import { reportCommand } from "./report.ts";

/** Exit code of a command line that cannot be understood. */
const USAGE = 2;

/** Runs a command line. Errors become one line on standard error and an exit code. */
export async function main(args: string[]): Promise<void> {
  const program = new Command("plumbline")
    .description("Does regularising the vision-to-language projector help? A GPU benchmark and ablation suite.")
    .version(VERSION)
    .showSuggestionAfterError()
    .exitOverride();
  for (const command of [ablateCommand(), doctorCommand(), reportCommand()]) {
    program.addCommand(command.exitOverride().showSuggestionAfterError() as unknown as Command);
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong (or printed the help that was asked for).
      Deno.exitCode = error.exitCode === 0 ? 0 : USAGE;
      return;
    }
    if (Deno.env.get("PLUMBLINE_DEBUG")) throw error;
    console.error(`error: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}

if (import.meta.main) {
  await main(Deno.args);
  // Handles that a library keeps open must not keep a finished program alive.
  Deno.exit();
}
