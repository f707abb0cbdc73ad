/** The records of measurements: their layout, and how they are read and written. */
import { join } from "node:path";
import { z } from "zod";
import { replaceFile } from "../src/data/replace_file.ts";
import type { Environment } from "./environment.ts";
import type { Origin } from "./origin.ts";
import type { RooflineRecord } from "./roofline.ts";
import { SECTIONS } from "./sections.ts";
import type { KernelRecord } from "./sections/kernels.ts";

/** Version of the record's layout; raised when a field changes its meaning. */
export const SCHEMA_VERSION = 1;

/** Everything that a report is made of. */
export interface BenchRecord {
  schemaVersion: number;
  environment: Environment;
  roofline: RooflineRecord;
  /** By the name of the section. */
  sections: { kernels?: KernelRecord[] } & Record<string, unknown>;
  /** Of sections that were read from files of their own, by name; older files do not keep it. */
  origins?: Record<string, Origin>;
}

const FILE = "bench.json";
const fileOf = (name: string) => SECTIONS[name]?.file ?? FILE;

const samples = z.array(z.number().positive()).min(1);
const timing = z.object({ wall: samples, gpu: samples.nullable() });
const origin = z.looseObject({
  time: z.string(),
  commit: z.string(),
  adapter: z.looseObject({ description: z.string() }),
});
const ownFile = z.looseObject({ environment: origin.optional() });
const schema = z.looseObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  environment: origin.extend({
    processor: z.looseObject({ model: z.string(), threads: z.number() }),
    operandForm: z.string(),
  }),
  roofline: z.looseObject({}),
  sections: z.looseObject({
    kernels: z.array(
      z.looseObject({ group: z.string(), size: z.string(), plain: timing, chosen: timing }),
    ).optional(),
  }),
});

/**
 * Reads one `bench.json`.
 *
 * @throws {Error} If it cannot be read, is no JSON, or has another layout; the message names the file.
 */
export async function readRecord(path: string): Promise<BenchRecord> {
  return await readAs(schema, path) as unknown as BenchRecord;
}

async function readAs<T>(layout: z.ZodType<T>, path: string): Promise<T> {
  const parsed = layout.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  const [{ path: field, message }] = parsed.error.issues;
  throw new TypeError(
    `Cannot read measurements ${path}: field "${field.join(".")}" is wrong: ${message}`,
  );
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof SyntaxError
      ? `it is no JSON (${error.message})`
      : (error as Error).message;
    throw new Error(`Cannot read measurements ${path}: ${reason}`, { cause: error });
  }
}

/**
 * Reads a folder's `bench.json` and those sections that have files of their own there.
 *
 * @throws {Error} As {@linkcode readRecord}.
 */
export async function readRecords(dir: string): Promise<BenchRecord> {
  const record = await readRecord(join(dir, FILE));
  const there = new Set(Array.from(Deno.readDirSync(dir), ({ name }) => name));
  for (const [name, { file }] of Object.entries(SECTIONS)) {
    if (!file || !there.has(file)) continue;
    const { environment, ...content } = await readAs(ownFile, join(dir, file));
    record.sections[name] = content;
    if (environment) (record.origins ??= {})[name] = environment as unknown as Origin;
  }
  return record;
}

/**
 * Writes a record that was just measured into a folder, a section with a file of its own into that,
 * behind its origin: files of one folder may be of different measurements.
 */
export async function writeRecords(dir: string, record: BenchRecord): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  const { time, commit, adapter } = record.environment;
  const environment: Origin = { time, commit, adapter };
  const names = Object.keys(record.sections);
  const own = names.filter((name) => fileOf(name) !== FILE);
  for (const name of own) {
    const content = record.sections[name] as object;
    await replaceFile(join(dir, fileOf(name)), formatJson({ environment, ...content }));
  }
  const sections = Object.fromEntries(
    names.filter((name) => !own.includes(name)).map((name) => [name, record.sections[name]]),
  );
  await replaceFile(join(dir, FILE), formatJson({ ...record, sections }));
}

/** JSON with a line a field; a list of numbers takes one line. */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return text.replace(
    /\[\s+(-?\d[^[\]{}"]*?)\s+\]/g,
    (_, numbers) => `[${numbers.replace(/\s+/g, " ")}]`,
  ) + "\n";
}
