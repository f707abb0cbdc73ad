/** Paths as the caller means them. */
import { resolve } from "node:path";

/**
 * The folder in which the command was typed. `deno task` runs in the project's folder and keeps the
 * caller's in INIT_CWD.
 */
export function callerDir(): string {
  return Deno.env.get("INIT_CWD") ?? Deno.cwd();
}

/** Resolves a path argument against the folder in which the command was typed. */
export function callerPath(path: string): string {
  return resolve(callerDir(), path);
}

/**
 * {@linkcode callerPath} for options that name a folder or a file.
 *
 * @throws {RangeError} If nothing is named: that would be the folder itself.
 */
export function namedPath(path: string): string {
  if (path.trim() === "") throw new RangeError("No path is given");
  return callerPath(path);
}
