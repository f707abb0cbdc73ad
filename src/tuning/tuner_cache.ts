/**
 * What the tuner has measured, on disk: one file for each adapter, driver, set of kernels, operand
 * form and number of lanes, for a timing says nothing about another.
 */
import { join } from "node:path";
import { z } from "zod";
import { ifThere } from "../data/if_there.ts";
import { replaceFile } from "../data/replace_file.ts";
import { sha256 } from "../data/sha256.ts";
import type { AdapterRecord } from "../gpu/adapter_info.ts";
import type { Engine } from "../gpu/engine.ts";
import { KERNELS } from "../gpu/kernel_files.ts";
import { blockSchema } from "./plan_schema.ts";
import type { TunedClass } from "./tune.ts";

/** What timings hold for. */
export interface TuningKey {
  adapter: string;
  driver: string;
  /** SHA-256 of the kernels. */
  kernels: string;
  form: string;
  lanes: number;
  /** Whether half precision was tried: no study takes it over by itself. */
  half: boolean;
}

const count = z.number().nonnegative();
const tunedSchema: z.ZodType<TunedClass> = z.strictObject({
  name: z.string(),
  count,
  flops: count,
  before: blockSchema,
  chosen: blockSchema,
  timings: z.array(z.strictObject({ block: blockSchema, milliseconds: count })),
});
const fileSchema = z.strictObject({
  sha256: z.string(),
  tuned: z.array(tunedSchema),
});

/** The key of an engine on an adapter. */
export function tuningKey({ plan }: Engine, adapter: AdapterRecord, half = false): TuningKey {
  const kernels = sha256(JSON.stringify([...KERNELS].sort(([a], [b]) => a < b ? -1 : 1)));
  const { form, lanes } = plan;
  return { adapter: adapter.description, driver: adapter.driver, kernels, form, lanes, half };
}

/**
 * Classes measured before, none if nothing was.
 *
 * @param folder of the tuner's files
 * @param say is told of a file that is damaged, which counts as none
 */
export async function readTuned(
  folder: string,
  key: TuningKey,
  say: (line: string) => void,
): Promise<TunedClass[]> {
  const path = fileOf(folder, key);
  const text = await ifThere(Deno.readTextFile(path));
  if (text === null) return [];
  try {
    const { sha256, tuned } = fileSchema.parse(JSON.parse(text));
    if (sha256 === checksum(tuned)) return tuned;
  } catch {
    // Falls through: a file that cannot be read is as good as one whose sum is wrong.
  }
  say(`The tuner's file ${path} is damaged; its timings are taken anew`);
  return [];
}

/** Keeps classes for the next time. */
export async function writeTuned(
  folder: string,
  key: TuningKey,
  tuned: readonly TunedClass[],
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const text = JSON.stringify({ sha256: checksum(tuned), tuned }, null, 1);
  await replaceFile(fileOf(folder, key), `${text}\n`);
}

function fileOf(folder: string, key: TuningKey): string {
  const name = sha256(JSON.stringify(key));
  return join(folder, `${name.slice(0, 16)}.json`);
}

function checksum(tuned: readonly TunedClass[]): string {
  return sha256(JSON.stringify(tuned));
}
