/** Runs another program to its end, its output captured and its input closed. */

/** How to run a program. */
export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Seconds until the program is ended; 10 minutes when absent. */
  seconds?: number;
}

/**
 * Runs a program and returns its standard output.
 *
 * @throws {Error} If it is missing, fails or takes too long; the message ends with what it said
 */
export async function runCommand(
  program: string,
  args: string[],
  options: CommandOptions = {},
): Promise<string> {
  const { cwd, env, seconds = 600 } = options;
  const command = new Deno.Command(program, {
    args,
    cwd,
    env,
    stdin: "null",
    signal: AbortSignal.timeout(seconds * 1000),
  });
  let output: Deno.CommandOutput;
  try {
    output = await command.output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot run "${program}": it is not installed`, { cause: error });
  }
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (output.success) return text(output.stdout);
  const lines = (text(output.stderr).trim() || text(output.stdout).trim()).split("\n");
  const reason = lines.find((line) => /error|^E:/i.test(line)) ?? lines.at(-1) ?? "";
  const how = output.signal === "SIGTERM"
    ? `ended after ${seconds} seconds at most`
    : `exit status ${output.code}`;
  throw new Error(`Cannot run "${program}": ${how}${reason && `, ${stripAnsi(reason).trim()}`}`);
}

/** Text without the escape sequences that colour a terminal. */
export function stripAnsi(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\x1b\[[0-9;]*m/g, "");
}
