/** Finds and reads study files. */
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeUtf8, parseJson } from "../data/json.ts";
import { oneLine } from "../data/one_line.ts";
import { readWhole } from "../data/read_whole.ts";
import { closest } from "./closest.ts";
import { parseStudy, type Study } from "./study.ts";
import { isStudyPath } from "./study_path.ts";

const FOLDER = fileURLToPath(new URL("../../ablations", import.meta.url));
const MOST_BYTES = 1_000_000;

/** Names of the studies that come with the project. */
export async function studyNames(folder = FOLDER): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".json")) names.push(name.slice(0, -".json".length));
  }
  return names.sort();
}

/**
 * Reads a study by its name under `ablations/`, or by the path of a file.
 *
 * @param cwd Folder that a path is relative to.
 * @param folder Folder of the studies that come with the project.
 * @throws {RangeError} If there is no study of that name, or the file cannot be read.
 * @throws {SyntaxError} If the file is no JSON.
 * @throws {TypeError} If a field is wrong, or a study that comes with the project has another name
 * than its file: its runs would go into another study's folder.
 */
export async function loadStudy(
  nameOrPath: string,
  cwd: string,
  folder: string = FOLDER,
): Promise<Study> {
  const known = await studyNames(folder);
  const isPath = isStudyPath(nameOrPath);
  if (!isPath && !known.includes(nameOrPath)) {
    throw new RangeError(
      `Unknown study "${nameOrPath}"${
        closest(nameOrPath, known)
      }; a path to a .json file works too`,
    );
  }
  const path = isPath ? resolve(cwd, nameOrPath) : resolve(folder, `${nameOrPath}.json`);
  const bytes = await readBytes(path, nameOrPath);
  let value: unknown;
  try {
    value = parseJson(decodeUtf8(bytes));
  } catch (error) {
    throw new SyntaxError(
      `Cannot read study ${nameOrPath}: it is no JSON (${oneLine(error)})`,
      { cause: error },
    );
  }
  const study = parseStudy(value, nameOrPath);
  const own = basename(path, ".json");
  if (dirname(path) === folder && study.name !== own) {
    throw new TypeError(
      `Cannot read study ${nameOrPath}: "name": is "${study.name}", must be "${own}" as its file is called`,
    );
  }
  return study;
}

async function readBytes(path: string, name: string): Promise<Uint8Array> {
  try {
    return await readWhole(path, MOST_BYTES);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "there is no such file" : oneLine(error);
    throw new RangeError(`Cannot read study ${name}: ${reason}`, { cause: error });
  }
}
