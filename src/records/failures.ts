/** Runs that have no record because their training could not be ended: `failed/NAME.json`. */
import { join } from "node:path";
import { z } from "zod";
import { ifThere, namesIn } from "../data/if_there.ts";
import { replaceFile } from "../data/replace_file.ts";
import { type RunFailure, SCHEMA_VERSION } from "./record.ts";
import { runKey } from "./record_schema.ts";

/** Folder of the failures, in a study's folder. */
export const FAILED = "failed";

const schema: z.ZodType<RunFailure> = z.looseObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  id: z.string(),
  ...runKey,
  reason: z.enum(["diverged", "device lost"]),
  step: z.int().nonnegative().nullable(),
});

/** Says that a run failed, in place of what was said of it before. */
export async function writeFailure(out: string, name: string, failure: RunFailure): Promise<void> {
  await Deno.mkdir(join(out, FAILED), { recursive: true });
  await replaceFile(join(out, FAILED, `${name}.json`), `${JSON.stringify(failure, null, 1)}\n`);
}

/** Takes back that a run failed. */
export async function removeFailure(out: string, name: string): Promise<void> {
  await Deno.remove(join(out, FAILED, `${name}.json`)).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** What is said of a run that failed; null where nothing is, or it cannot be read. */
export async function readFailure(out: string, name: string): Promise<RunFailure | null> {
  try {
    const text = await ifThere(Deno.readTextFile(join(out, FAILED, `${name}.json`)));
    return text === null ? null : schema.parse(JSON.parse(text));
  } catch (error) {
    // What is damaged is of no use to a report, and the run will be tried again.
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/** Everything that is said of failed runs, by the name of the run; what cannot be read is passed over. */
export async function readFailures(out: string): Promise<Map<string, RunFailure>> {
  const failures = new Map<string, RunFailure>();
  for (const file of (await namesIn(join(out, FAILED))).sort()) {
    if (!file.endsWith(".json")) continue;
    const name = file.slice(0, -".json".length);
    const failure = await readFailure(out, name);
    if (failure) failures.set(name, failure);
  }
  return failures;
}
