/** What all runs of a folder share, frozen in it before the first of them. */
import { join } from "node:path";
import { z } from "zod";
import { oneLine } from "../data/one_line.ts";
import { createFile } from "../data/replace_file.ts";
import { readRecord } from "../records/record_file.ts";
import { type AblationSetting, sharedDeterminants } from "./determinants.ts";
import { firstDifference } from "./finished_runs.ts";

/** Name of the file, in a study's folder. */
export const SETTINGS = "settings.json";

const schema = z.object({
  study: z.string(),
  adapter: z.string(),
  driver: z.string(),
  engine: z.number(),
  config: z.record(z.string(), z.unknown()),
});

/** What stands in the file. */
export type FrozenSettings = z.infer<typeof schema>;

const ADVICE = "choose another --out or add --fresh";

/**
 * Freezes a study's settings in a folder that has none; where it has some, they must be the same. Of
 * several processes that do so at once the first one wins.
 *
 * @throws {RangeError} If they are others; the message names the field that differs.
 * @throws {Error} As {@linkcode readSettings}.
 */
export async function freezeSettings(out: string, setting: AblationSetting): Promise<void> {
  const text = JSON.stringify(settingsOf(setting), null, 2);
  if (!await createFile(join(out, SETTINGS), `${text}\n`)) checkSettings(out, setting);
}

/**
 * Makes sure that a folder has no settings yet, or a study's own.
 *
 * @throws {Error} As {@linkcode freezeSettings}.
 */
export function checkSettings(out: string, setting: AblationSetting): void {
  const frozen = readSettings(out);
  const difference = frozen && firstDifference(frozen, settingsOf(setting));
  if (difference) {
    throw new RangeError(
      `Cannot go on: "${join(out, SETTINGS)}" has other settings (${
        oneLine(difference)
      }); ${ADVICE}`,
    );
  }
}

/**
 * The settings of a folder; null where it has none.
 *
 * @throws {RangeError} If the file is damaged; the message names it and the field.
 */
export function readSettings(out: string): FrozenSettings | null {
  try {
    return readRecord(join(out, SETTINGS), schema);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new RangeError(`${(error as Error).message}; ${ADVICE}`, { cause: error });
  }
}

function settingsOf(setting: AblationSetting): FrozenSettings {
  return { study: setting.study.name, ...sharedDeterminants(setting) };
}
