/** Finds and reads study files. */
import { resolve } from "node:path";
import { closest } from "./closest.ts";
import { parseStudy, type Study } from "./study.ts";

const FOLDER = new URL("../../ablations/", import.meta.url);
const MOST_BYTES = 1_000_000;

/** Names of the studies that come with the project. */
export async function studyNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(FOLDER)) {
    if (name.endsWith(".json")) names.push(name.slice(0, -".json".length));
  }
  return names.sort();
}

/**
 * Reads a study by its name under `ablations/`, or by the path of a file.
 *
 * @param cwd Folder that a path is relative to.
 * @throws {RangeError} If there is no study of that name, or the file cannot be read.
 * @throws {SyntaxError} If the file is no JSON.
 * @throws {TypeError} If a field is wrong.
 */
export async function loadStudy(nameOrPath: string, cwd: string): Promise<Study> {
  const known = await studyNames();
  const isPath = nameOrPath.endsWith(".json") || nameOrPath.includes("/") ||
    nameOrPath.includes("\\");
  if (!isPath && !known.includes(nameOrPath)) {
    throw new RangeError(
      `Unknown study "${nameOrPath}"${
        closest(nameOrPath, known)
      }; a path to a .json file works too`,
    );
  }
  const path = isPath ? resolve(cwd, nameOrPath) : new URL(`${nameOrPath}.json`, FOLDER);
  const text = await readText(path, nameOrPath);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(
      `Cannot read study ${nameOrPath}: it is no JSON (${(error as Error).message})`,
    );
  }
  return parseStudy(value, nameOrPath);
}

async function readText(path: string | URL, name: string): Promise<string> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MOST_BYTES) throw new RangeError(`${size} bytes are more than ${MOST_BYTES}`);
    return await Deno.readTextFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : (error as Error).message;
    throw new RangeError(`Cannot read study ${name}: ${reason}`, { cause: error });
  }
}
