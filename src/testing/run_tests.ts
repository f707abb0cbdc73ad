/**
 * Runs all tests on a driver that is there, and closes with one line that says how many passed
 * and how many failed. Arguments go to `deno test`.
 */
import { stripAnsi } from "../gpu/driver_command.ts";
import { driverEnvironment, prepareDriver } from "../gpu/driver.ts";

/** Tests that passed and failed. */
export interface TestSummary {
  passed: number;
  failed: number;
}

/**
 * Reads the summary that `deno test` ends with.
 *
 * @param output What it printed; a test may have printed a line that looks the same, so the last one counts
 * @param success Whether it exited with 0; a run that did not has failed at least once, whatever it says
 */
export function readSummary(output: string, success: boolean): TestSummary {
  const summaries = stripAnsi(output).matchAll(
    /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/gm,
  );
  const [, passed, failed] = [...summaries].at(-1) ?? ["", "0", "0"];
  return { passed: Number(passed), failed: Math.max(Number(failed), success ? 0 : 1) };
}

/** Runs `deno test` in the project's folder, its output passed on as it comes. */
async function runTests(args: string[]): Promise<TestSummary> {
  const driver = await prepareDriver();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--doc", ...args],
    env: {
      ...driverEnvironment(driver),
      ...Deno.stdout.isTerminal() && { FORCE_COLOR: "1" },
    },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const [shown, read] = child.stdout.tee();
  const output = new Response(read).text();
  await shown.pipeTo(Deno.stdout.writable, { preventClose: true });
  return readSummary(await output, (await child.status).success);
}

if (import.meta.main) {
  const summary = await runTests(Deno.args).catch((error) => {
    console.error(`error: ${error.message}`);
    return { passed: 0, failed: 1 };
  });
  console.log(`${summary.passed} passed, ${summary.failed} failed`);
  Deno.exit(summary.failed === 0 ? 0 : 1);
}
