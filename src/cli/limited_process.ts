/** Runs a module in a process with permissions of its own, as if it were this one. */

/** What is run, and how. */
export interface LimitedProcess {
  /** Options of `deno run`, permissions among them. */
  flags: string[];
  /** Path of the module. */
  module: string;
  args: string[];
  /** Variables beside those of this process. */
  env: Record<string, string>;
}

/** Signals that ask a program to end. Ctrl-C reaches the other process by itself as well. */
const PASSED_ON: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs it to its end, with this process's input and output. Signals are passed on, and this process
 * stays until the other has ended.
 *
 * @returns its exit code; 128 and the signal's number where a signal ended it
 */
export async function runLimited(
  { flags, module, args, env }: LimitedProcess,
): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, module, ...args],
    env,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  for (const signal of PASSED_ON) {
    Deno.addSignalListener(signal, () => {
      try {
        child.kill(signal);
      } catch {
        // It has ended by itself.
      }
    });
  }
  return (await child.status).code;
}
