/**
 * What the data sets read from disk share: a folder that is checked, JSON that fits its schema, pictures by name.
 *
 * Errors are one line that names the data set, the file and the place in it; file names stand relative to the folder.
 */
import { join } from "node:path";
import type { z } from "zod";
import { sha256 } from "./content_hash.ts";
import type { DatasetOptions, Example, Image } from "./dataset.ts";
import { decodeImage, imageFormat } from "./image.ts";

/** Pictures read at the same time. */
const CONCURRENCY = 32;

/** A data set's folder. */
export interface Folder {
  /**
   * Reads a JSON file and checks it.
   *
   * @throws {SyntaxError} when it is no JSON
   * @throws {TypeError} when it does not fit the schema; the message names the entry and the field
   */
  json<T>(file: string, schema: z.ZodType<T>): Promise<T>;
  /** Decodes a picture. */
  image(file: string): Promise<Image>;
  /**
   * SHA-256 of each picture file.
   *
   * @throws {SyntaxError} when a file is no picture
   */
  digests(files: string[]): Promise<Map<string, string>>;
}

/**
 * Opens the folder of a data set.
 *
 * @param candidates places of the data within `options.dir`, of which the first that holds `marker` is taken
 * @throws {TypeError} when no folder is named
 * @throws {Deno.errors.NotFound} when there is no such folder or it does not hold the data
 */
export async function openFolder(
  dataset: string,
  options: DatasetOptions,
  marker: string,
  candidates: string[] = ["."],
): Promise<Folder> {
  const { dir } = options;
  if (dir === undefined || dir === "") {
    throw new TypeError(
      `Cannot read ${dataset}: no folder is named (--data-dir DIR)`,
    );
  }
  if (!await isDirectory(dir)) {
    throw new Deno.errors.NotFound(
      `Cannot read ${dataset}: there is no folder "${dir}"`,
    );
  }
  for (const candidate of candidates) {
    if (await exists(join(dir, candidate, marker))) {
      return folder(dataset, join(dir, candidate));
    }
  }
  const wanted = candidates.map((candidate) => `"${join(candidate, marker)}"`)
    .join(" nor ");
  throw new Deno.errors.NotFound(
    `Cannot read ${dataset}: folder "${dir}" has no ${wanted}`,
  );
}

function folder(dataset: string, root: string): Folder {
  const read = async (file: string) => {
    try {
      return await Deno.readFile(join(root, file));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        throw new Deno.errors.NotFound(
          `Cannot read ${dataset}: there is no file "${file}"`,
          { cause: error },
        );
      }
      throw new Error(`Cannot read ${dataset}: "${file}": ${oneLine(error)}`, {
        cause: error,
      });
    }
  };
  return {
    async json(file, schema) {
      const text = new TextDecoder().decode(await read(file));
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        throw new SyntaxError(
          `Cannot read ${dataset}: "${file}" is no JSON: ${oneLine(error)}`,
          { cause: error },
        );
      }
      const result = schema.safeParse(value);
      if (result.success) return result.data;
      throw new TypeError(
        `Cannot read ${dataset}: "${file}"${misfit(value, result.error.issues[0])}`,
      );
    },
    async image(file) {
      return decodeImage(await read(file), file);
    },
    async digests(files) {
      const digests = new Map<string, string>();
      for (let start = 0; start < files.length; start += CONCURRENCY) {
        await Promise.all(
          files.slice(start, start + CONCURRENCY).map(async (file) => {
            const bytes = await read(file);
            if (imageFormat(bytes) === null) {
              throw new SyntaxError(
                `Cannot read ${dataset}: "${file}" is no picture: it is neither PNG nor JPEG`,
              );
            }
            digests.set(file, sha256(bytes));
          }),
        );
      }
      return digests;
    },
  };
}

/**
 * The first `count` examples, all when absent.
 *
 * @throws {RangeError} when the count is negative or not whole
 */
export function firstExamples(
  dataset: string,
  examples: Example[],
  count = examples.length,
): Example[] {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`Cannot read ${dataset}: ${count} pictures`);
  }
  return examples.slice(0, count);
}

/** What is wrong and where: ` entry 3 has no field "answer"`, ` entry 3, field "qid": ...`. */
function misfit(
  value: unknown,
  { path, message }: { path: PropertyKey[]; message: string },
): string {
  const place = path.map((key) =>
    typeof key === "number" ? ` entry ${key}` : `, field "${String(key)}"`
  );
  const found = path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown>)[key],
    value,
  );
  const field = path.at(-1);
  return found === undefined && typeof field === "string"
    ? `${place.slice(0, -1).join("")} has no field "${field}"`
    : `${place.join("")}: ${message}`;
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split(
    "\n",
  )[0];
}

async function isDirectory(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isDirectory, () => false);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
