/**
 * Runs all tests on a driver that is there, in two processes side by side, and closes with one line
 * that says how many passed and how many failed. With arguments, which go to `deno test`, it is one
 * process.
 */
import { driverEnvironment, prepareDriver } from "../gpu/driver.ts";
import { stripAnsi } from "../gpu/driver_command.ts";

/** Tests that passed, failed, and did not run because what they need is not here. */
export interface TestSummary {
  passed: number;
  failed: number;
  ignored: number;
}

/**
 * Reads the summary that `deno test` ends with.
 *
 * @param output What it printed; a test may have printed a line that looks the same, so the last one counts
 * @param success Whether it exited with 0; a run that did not has failed at least once, whatever it says
 */
export function readSummary(output: string, success: boolean): TestSummary {
  const summaries = stripAnsi(output).matchAll(
    /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(?:[^|\n]*\| (\d+) ignored)?/gm,
  );
  const [, passed, failed, ignored = "0"] = [...summaries].at(-1) ?? ["", "0", "0"];
  return {
    passed: Number(passed),
    failed: Math.max(Number(failed), success ? 0 : 1),
    ignored: Number(ignored),
  };
}

/** Folders that take as long as all the rest. */
const HALF = ["src/cli", "src/models", "src/gpu", "src/self_test"];

/** What is tested side by side, where all is tested: a test waits for one core most of the time. */
const GROUPS = [[`--ignore=${HALF.join(",")}`], HALF];

/** Runs `deno test` in the project's folder; returns its summary and, unless shown, its output. */
async function runTests(
  args: string[],
  env: Record<string, string>,
  isShown: boolean,
): Promise<TestSummary & { output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--doc", ...args],
    env: { ...env, ...Deno.stdout.isTerminal() && { FORCE_COLOR: "1" } },
    stdin: "null",
    stdout: "piped",
    stderr: isShown ? "inherit" : "piped",
  }).spawn();
  const errors = isShown ? Promise.resolve("") : new Response(child.stderr).text();
  const [shown, read] = child.stdout.tee();
  const text = new Response(read).text();
  if (isShown) await shown.pipeTo(Deno.stdout.writable, { preventClose: true });
  else await shown.cancel();
  const output = await text;
  const summary = readSummary(output, (await child.status).success);
  return { ...summary, output: `${await errors}${output}` };
}

/** Runs all tests, those of one group while they go on and the others' output behind it. */
async function runAll(args: string[]): Promise<TestSummary> {
  const env = driverEnvironment(await prepareDriver());
  if (args.length > 0) return await runTests(args, env, true);
  const [first, ...others] = await Promise.all(
    GROUPS.map((group, i) => runTests(group, env, i === 0)),
  );
  for (const { output } of others) console.log(output);
  return [first, ...others].reduce(
    (sum, { passed, failed, ignored }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      ignored: sum.ignored + ignored,
    }),
    { passed: 0, failed: 0, ignored: 0 },
  );
}

if (import.meta.main) {
  const summary = await runAll(Deno.args).catch((error) => {
    console.error(`error: ${error.message}`);
    return { passed: 0, failed: 1, ignored: 0 };
  });
  if (summary.ignored > 0) {
    console.log(`${summary.ignored} ignored: what they need is not here`);
  }
  console.log(`${summary.passed} passed, ${summary.failed} failed`);
  Deno.exit(summary.failed === 0 ? 0 : 1);
}
