/** Runs that have no record because their training could not be ended: `failed/NAME.json`. */
import { join } from "node:path";
import { z } from "zod";
import { replaceFile } from "../data/replace_file.ts";
import { RUN_ROLES, type RunFailure, SCHEMA_VERSION } from "../study/record.ts";

/** Folder of the failures, in a study's folder. */
export const FAILED = "failed";

const count = z.int().nonnegative();

const schema: z.ZodType<RunFailure> = z.looseObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  id: z.string(),
  role: z.enum(RUN_ROLES),
  arm: z.string(),
  lambda: z.number(),
  seed: z.int(),
  fold: count,
  round: count.optional(),
  stage: z.string(),
  reason: z.enum(["diverged", "device lost"]),
  step: count.nullable(),
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

/** Everything that is said of failed runs, by the name of the run; what cannot be read is passed over. */
export async function readFailures(out: string): Promise<Map<string, RunFailure>> {
  const failures = new Map<string, RunFailure>();
  const names = await Array.fromAsync(Deno.readDir(join(out, FAILED))).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  });
  for (const { name } of names.sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (!name.endsWith(".json")) continue;
    const failure = parseFailure(await Deno.readTextFile(join(out, FAILED, name)));
    if (failure) failures.set(name.slice(0, -".json".length), failure);
  }
  return failures;
}

/** Null where a text is no failure. */
function parseFailure(text: string): RunFailure | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // It is of no use to a report, and the run will be tried again.
    return null;
  }
}
