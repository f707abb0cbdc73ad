/** The Vulkan drivers that are installed on the system, and what a driver gives when tried. */
import { join } from "node:path";
import type { AdapterDescription } from "./adapter_info.ts";
import { runCommand } from "./driver_command.ts";

/** The variables by which the Vulkan loader is told its drivers; the second is its older name. */
const DRIVER_VARIABLES = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/** The variables that make the Vulkan loader use one driver only. */
export function useDriver(icd: string): Record<string, string> {
  return Object.fromEntries(DRIVER_VARIABLES.map((name) => [name, icd]));
}

/**
 * The ICD manifests that the Vulkan loader would read, by its own rules: those that the
 * variables name, else all in its folders.
 */
export async function systemIcds(
  get: (name: string) => string | undefined = (name) => Deno.env.get(name),
): Promise<string[]> {
  const named = DRIVER_VARIABLES.map(get).find((value) => value);
  if (named) return named.split(":").filter((path) => path !== "");
  const home = get("HOME");
  const bases = [
    get("XDG_CONFIG_HOME") ?? (home && join(home, ".config")),
    ...(get("XDG_CONFIG_DIRS") ?? "/etc/xdg").split(":"),
    "/etc",
    get("XDG_DATA_HOME") ?? (home && join(home, ".local", "share")),
    ...(get("XDG_DATA_DIRS") ?? "/usr/local/share:/usr/share").split(":"),
  ];
  const found: string[] = [];
  for (const base of new Set(bases.filter((path): path is string => Boolean(path)))) {
    const dir = join(base, "vulkan", "icd.d");
    const names = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name).catch(() => []);
    found.push(
      ...names.filter((name) => name.endsWith(".json")).sort().map((name) => join(dir, name)),
    );
  }
  return found;
}

/**
 * Asks a process of its own which adapter it gets.
 *
 * @param env Variables beside those of this process
 * @returns null if it gets none, or if the driver ends the process
 */
export async function probeAdapter(
  env: Record<string, string> = {},
): Promise<AdapterDescription | null> {
  const probe = new URL("./driver_probe.ts", import.meta.url).href;
  const args = ["run", "--quiet", "--allow-all", "--no-config", "--no-lock", "--no-check", probe];
  const printed = await runCommand(Deno.execPath(), args, { env, seconds: 60 }).catch(() => "null");
  return JSON.parse(printed.trim().split("\n").at(-1) || "null");
}

/** The package that installed a file and its version, where dpkg knows it. */
export async function packageOf(file: string): Promise<string | null> {
  try {
    const owner = (await runCommand("dpkg-query", ["--search", file])).split(": ")[0];
    return await runCommand("dpkg-query", [
      "--show",
      "--showformat",
      "${Package} ${Version}",
      owner,
    ]);
  } catch {
    return null;
  }
}
