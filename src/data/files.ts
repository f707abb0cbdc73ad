/**
 * What the data sets read from disk share: a folder that is checked, JSON that fits its schema, pictures by name.
 *
 * Errors are one line that names the data set, the file and the place in it; file names stand relative to the folder.
 *
 * Nothing outside the folder is read: what comes with data may hold links to anywhere. Only the folder itself and what
 * stands directly in it, which the layout names and no entry of a file, may be links of the user's own.
 */
import { join, sep } from "node:path";
import type { z } from "zod";
import type { DatasetOptions, Example, Image } from "./dataset.ts";
import { isFolder, isThere } from "./if_there.ts";
import { decodeImage, imageFormat } from "./image.ts";
import { parseJsonBytes } from "./json.ts";
import { jsonItems } from "./json_items.ts";
import { misfit } from "./misfit.ts";
import { oneLine, quoted } from "./one_line.ts";
import { readWhole, statFile } from "./read_whole.ts";
import { sha256 } from "./sha256.ts";

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
  /**
   * Reads the objects of a long JSON list one by one, see {@linkcode readItems}.
   *
   * @param field the field of the outermost object that holds the list
   */
  items<T>(file: string, field: string, schema: z.ZodType<T>): AsyncGenerator<T>;
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
  if (!await isFolder(dir)) {
    throw new Deno.errors.NotFound(
      `Cannot read ${dataset}: there is no folder "${dir}"`,
    );
  }
  for (const candidate of candidates) {
    if (await isThere(join(dir, candidate, marker))) {
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
  const action = `Cannot read ${dataset}`;
  const read = async (file: string) => {
    try {
      await checkInside(root, file);
      return await readWhole(join(root, file));
    } catch (error) {
      return unreadable(action, file, error);
    }
  };
  return {
    async json(file, schema) {
      const bytes = await read(file);
      let value: unknown;
      try {
        value = parseJsonBytes(bytes);
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
    async *items(file, field, schema) {
      await checkInside(root, file).catch((error) => unreadable(action, file, error));
      yield* readItems({ action, path: join(root, file), name: file, field }, schema);
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
                `Cannot read ${dataset}: ${quoted(file)} is no picture: it is neither PNG nor JPEG`,
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

/** A JSON file that is a list, or has one in a field. */
export interface ListFile {
  /** What errors begin with, as `Cannot read slake`. */
  action: string;
  path: string;
  /** What errors call the file. */
  name: string;
  /** Field of the outermost object that holds the list; absent where the file is the list. */
  field?: string;
}

/**
 * Reads the objects of a long JSON list one by one and checks each; memory holds one at a time.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {SyntaxError} when it is no JSON
 * @throws {TypeError} when there is no such list, or an object does not fit the schema; the message
 * names the entry and the field
 * @throws {RangeError} when it cannot be read, or an object is far too long
 */
export async function* readItems<T>(
  { action, path, name, field }: ListFile,
  schema: z.ZodType<T>,
): AsyncGenerator<T> {
  const { readable } = await statFile(path).then(() => Deno.open(path))
    .catch((error) => unreadable(action, name, error));
  const items = jsonItems(readable, field);
  try {
    for (let index = 0;; index++) {
      const { done, value } = await items.next().catch((error) => {
        const Kind = [SyntaxError, TypeError, RangeError].find((Kind) => error instanceof Kind);
        if (Kind === undefined) unreadable(action, name, error);
        throw new Kind(`${action}: "${name}" ${oneLine(error)}`, { cause: error });
      });
      if (done) return;
      const { success, data, error } = schema.safeParse(value);
      if (!success) {
        const reason = misfit(value, error.issues[0]);
        throw new TypeError(`${action}: "${name}" entry ${index}${reason}`);
      }
      yield data;
    }
  } finally {
    // Closes the file where the reader stops early.
    await items.return(undefined);
  }
}

function unreadable(action: string, name: string, error: unknown): never {
  if (error instanceof Deno.errors.NotFound) {
    throw new Deno.errors.NotFound(`${action}: there is no file ${quoted(name)}`, { cause: error });
  }
  throw new RangeError(`${action}: ${quoted(name)}: ${oneLine(error)}`, { cause: error });
}

/**
 * Makes sure that a file lies in a folder, or in what the folder's first link on its way leads to.
 *
 * @throws {RangeError} when it does not
 */
async function checkInside(root: string, file: string): Promise<void> {
  const path = await Deno.realPath(join(root, file));
  for (const folder of [root, join(root, file.split("/")[0])]) {
    const real = await Deno.realPath(folder);
    if (path === real || path.startsWith(real + sep)) return;
  }
  throw new RangeError("it is a link that leads out of the folder");
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
