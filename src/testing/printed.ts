/** What a command line that runs in this process prints, and the exit code that it leaves. */
export interface Printed {
  code: number;
  /** Of `console.log`. */
  out: string;
  /** Lines of `console.error`. */
  lines: string[];
}

/** Runs a command line with its output caught; the exit code is taken back. */
export async function printed(run: () => Promise<unknown>): Promise<Printed> {
  const { log, error } = console;
  const out: string[] = [], lines: string[] = [];
  console.log = (line: string) => out.push(line);
  console.error = (line: string) => lines.push(...line.split("\n"));
  try {
    await run();
    return { code: Number(Deno.exitCode), out: out.join("\n"), lines };
  } finally {
    Object.assign(console, { log, error });
    Deno.exitCode = 0;
  }
}
