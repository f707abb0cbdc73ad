/** Real models and data that lie outside the project, for tests that use them where they are there. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder: `PLUMBLINE_SHARED`, else `shared` beside the project's folder. */
export function sharedFolder(): string {
  return Deno.env.get("PLUMBLINE_SHARED") ||
    fileURLToPath(new URL("../../../shared", import.meta.url));
}

/**
 * The path of something shared; null where it is absent, which is said on standard error.
 *
 * @param path below the shared folder
 */
export function sharedPath(path: string): string | null {
  const full = join(sharedFolder(), path);
  try {
    Deno.statSync(full);
    return full;
  } catch {
    console.error(`Skipped: "${full}" is absent; PLUMBLINE_SHARED names another folder`);
    return null;
  }
}
