/** PyTorch on the CPU, in a Python process that stays alive. */
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { blasEnvironment } from "./blas_core.ts";
import { type ChildPeer, startChild } from "./line_child.ts";

/**
 * Every `python3` of a search path, and Debian's own behind them: the first may be one without PyTorch.
 */
export function pythonCandidates(path: string): string[] {
  const folders = [
    ...path.split(delimiter).filter((folder) => folder !== ""),
    "/usr/bin",
  ];
  return [...new Set(folders.map((folder) => join(folder, "python3")))];
}

/**
 * Starts the first Python that has PyTorch, with a thread for each logical processor.
 *
 * @param core core type for OpenBLAS, on which Debian's PyTorch rests; null for the one it chooses
 * @throws {Error} If no Python has PyTorch
 */
export async function startPytorch(core: string | null): Promise<ChildPeer> {
  let reason = "there is no python3 on this machine";
  for (const command of pythonCandidates(Deno.env.get("PATH") ?? "")) {
    const found = await Deno.stat(command).then(
      ({ isFile }) => isFile,
      () => false,
    );
    if (!found) continue;
    try {
      return await startChild({
        name: "PyTorch",
        command,
        args: [
          fileURLToPath(new URL("./pytorch_child.py", import.meta.url)),
          String(navigator.hardwareConcurrency),
        ],
        env: blasEnvironment(Deno.env.toObject(), core),
      });
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  throw new Error(reason);
}
