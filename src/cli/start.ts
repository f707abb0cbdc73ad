/**
 * The program that the tasks of `deno.json` start: it runs the command line in a process of its own that
 * may touch what the command needs and nothing else (`permissions.ts`).
 *
 * What needs more is done here, where no data and no model is read: looking for the Vulkan driver,
 * which starts programs and may fetch one. So this file imports little else.
 */
import { fileURLToPath } from "node:url";
import { denoFlags } from "../data/deno_flags.ts";
import { cacheDir } from "../gpu/cache.ts";
import { runLimited } from "./limited_process.ts";
import { callerDir } from "./paths.ts";
import { permissionsOf, type Surroundings } from "./permissions.ts";

const path = (url: string) => fileURLToPath(new URL(url, import.meta.url));

function surroundings(): Surroundings {
  return {
    root: path("../../"),
    caller: callerDir(),
    // Asked for only by commands that have one, for there may be no place for it.
    get cache() {
      return cacheDir();
    },
    deno: Deno.execPath(),
    isFolder(path) {
      try {
        return Deno.statSync(path).isDirectory;
      } catch {
        return false;
      }
    },
    readJson(path) {
      try {
        // A pipe or a device might never end.
        if (!Deno.statSync(path).isFile) return undefined;
        // Decoded without the byte order mark that a file may begin with.
        return JSON.parse(new TextDecoder().decode(Deno.readFileSync(path)));
      } catch {
        return undefined;
      }
    },
  };
}

/** Runs a command line and returns its exit code. */
export async function start(args: string[]): Promise<number> {
  const { gpu, adapter, ...permissions } = permissionsOf(args, surroundings());
  // Only when it is needed: most of the time of a short command goes into loading modules.
  const { env, libraries } = gpu
    ? await (await import("../gpu/driver.ts")).chooseDriver({ adapter })
    : { env: {}, libraries: [] };
  return await runLimited({
    flags: ["--config", path("../../deno.json"), ...denoFlags({ ...permissions, ffi: libraries })],
    module: path("./main.ts"),
    args,
    env: { INIT_CWD: callerDir(), ...env },
  });
}

if (import.meta.main) {
  const code = await start(Deno.args).catch((error) => {
    if (Deno.env.get("PLUMBLINE_DEBUG")) throw error;
    console.error(`error: ${error.message}`);
    return 1;
  });
  Deno.exit(code);
}
