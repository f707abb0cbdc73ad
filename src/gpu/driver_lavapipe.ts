/**
 * Obtains Mesa's software Vulkan driver lavapipe from the package archive of a Debian-like
 * system, without root and without touching the system.
 *
 * apt works on folders of its own here, so it verifies signatures and hashes as it does for the
 * system, and nothing it keeps for the system is written. A source that it is told to trust without
 * looking is refused.
 */
import { basename, join } from "node:path";
import { runCommand } from "./driver_command.ts";
import { findLibraries, loadOrder } from "./driver_elf.ts";
import type { DriverManifest } from "./driver_manifest.ts";

const PACKAGES = ["mesa-vulkan-drivers", "libvulkan1"];
const DRIVER = "libvulkan_lvp.so";
const LOADER = "libvulkan.so.1";

// Deno runs on the C library and the GCC runtime of the system, and a process has room for one of each.
const OF_THE_SYSTEM =
  /^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl|mvec|BrokenLocale|thread_db|gcc_s))\.so\.\d+$/;

// apt is told that these are installed: the C library for the reason above, Python because only a
// script of Mesa's overlay layer uses it.
const PRETENDED = ["libc6", "python3"];

// The user's configuration holds what apt needs to reach the archive (proxies, keys, sources).
// What would run programs of the system after an update, or accept unsigned archives, is not taken.
const KEPT_CONFIGURATION = /^(Acquire|Dir::Etc|APT::Architectures?|APT::Default-Release)\b/;
const REFUSED_CONFIGURATION = /Allow|^Dir::Etc::(main|parts)\b/;

/** Whether this system has the tools to unpack packages of its archive. */
export async function canObtainLavapipe(): Promise<boolean> {
  return Deno.build.os === "linux" &&
    await runCommand("apt-get", ["--version"]).then(() => true, () => false);
}

/**
 * Downloads lavapipe with all libraries it needs and lays them flat into `dir`.
 *
 * @param dir An empty folder
 * @throws {Error} If the archive cannot be reached, is not signed, or lacks a library
 */
export async function obtainLavapipe(dir: string): Promise<DriverManifest> {
  const apt = join(dir, "apt");
  const unpacked = join(dir, "unpacked");
  const env = await preparePrivateApt(apt);
  const download = ["install", "-qq", "--yes", "--download-only", "--no-install-recommends"];
  try {
    await runCommand("apt-get", ["update", "-qq"], { env });
    await refuseBlindTrust(apt, env);
    await runCommand("apt-get", [...download, ...PACKAGES], { env });
  } catch (error) {
    throw new Error(
      `Cannot obtain lavapipe from this system's package archive: ${(error as Error).message}`,
      { cause: error },
    );
  }
  const archives = join(apt, "cache", "archives");
  let version = "";
  for await (const { name } of Deno.readDir(archives)) {
    if (!name.endsWith(".deb")) continue;
    await runCommand("dpkg-deb", ["--extract", join(archives, name), unpacked]);
    if (name.startsWith(`${PACKAGES[0]}_`)) version = decodeURIComponent(name.split("_")[1]);
  }

  const found = await findLibraries(unpacked);
  const libraries = loadOrder([DRIVER, LOADER], (soname) => {
    if (OF_THE_SYSTEM.test(soname)) return null;
    const holder = found.get(soname);
    if (!holder) {
      throw new Error(`Cannot complete lavapipe: no package of the archive has "${soname}"`);
    }
    return holder.library;
  });
  for (const soname of libraries) await Deno.copyFile(found.get(soname)!.file, join(dir, soname));

  const icd = await findIcd(join(unpacked, "usr", "share", "vulkan", "icd.d"));
  const manifest = JSON.parse(await Deno.readTextFile(icd));
  // A relative path with a slash is relative to the manifest (Vulkan loader interface), so the folder can be moved.
  manifest.ICD.library_path = `./${DRIVER}`;
  await Deno.writeTextFile(join(dir, basename(icd)), JSON.stringify(manifest, null, 2) + "\n");

  await Deno.remove(apt, { recursive: true });
  await Deno.remove(unpacked, { recursive: true });
  return {
    name: "lavapipe",
    version,
    source: `${PACKAGES[0]} ${version}`,
    icd: basename(icd),
    libraries,
  };
}

/** Sets up state, cache and configuration of apt under `dir`; returns the variables that make apt use them. */
async function preparePrivateApt(dir: string): Promise<Record<string, string>> {
  for (const sub of ["state/lists/partial", "cache/archives/partial"]) {
    await Deno.mkdir(join(dir, sub), { recursive: true });
  }
  const configuration = await runCommand("apt-config", ["dump"]);
  const architecture = /^APT::Architecture "(.*)";$/m.exec(configuration)?.[1];
  if (!architecture) throw new Error("Cannot set up apt: its configuration names no architecture");
  await Deno.writeTextFile(
    join(dir, "status"),
    PRETENDED.map((name) => pretend(name, architecture)).join("\n"),
  );
  await Deno.writeTextFile(join(dir, "apt.conf"), privateConfiguration(configuration, dir));
  return {
    APT_CONFIG: join(dir, "apt.conf"),
    LC_ALL: "C.UTF-8",
    DEBIAN_FRONTEND: "noninteractive",
  };
}

/**
 * Refuses sources with the option `trusted=yes`, of which apt takes packages whatever their signatures
 * say. To apt, a source is trusted that has the option or left a good signature; so it is asked
 * about its lists without the signatures.
 *
 * @param dir Folder of the private apt, whose lists are there.
 * @throws {Error} If there is one, naming it, or no source at all.
 */
async function refuseBlindTrust(dir: string, env: Record<string, string>): Promise<void> {
  const [lists, unsigned] = [join(dir, "state", "lists"), join(dir, "unsigned")];
  await Deno.mkdir(join(unsigned, "partial"), { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(lists)) {
    if (isDirectory || /_(InRelease|Release\.gpg)$/.test(name)) continue;
    await Deno.symlink(join(lists, name), join(unsigned, name));
  }
  const format = "$(TRUSTED) $(REPO_URI) $(SOURCESENTRY)";
  const asked = ["indextargets", "--format", format, "-o", `Dir::State::Lists=${unsigned}/`];
  const sources = (await runCommand("apt-get", asked, { env })).split("\n").filter(Boolean);
  if (sources.length === 0) throw new Error("apt has no source of packages");
  const trusted = sources.find((source) => !source.startsWith("no "));
  if (trusted === undefined) return;
  const [, uri, entry] = trusted.split(" ");
  throw new Error(`it would take unsigned packages of ${uri}: remove trusted=yes in ${entry}`);
}

/** An entry of dpkg's status file that says a package is installed, newer than any. */
function pretend(name: string, architecture: string): string {
  return [
    `Package: ${name}`,
    "Status: install ok installed",
    `Architecture: ${architecture}`,
    "Multi-Arch: allowed",
    "Version: 999",
    "Maintainer: none <none@invalid>",
    "Description: present on this system",
    "",
  ].join("\n");
}

/**
 * The configuration of the private apt.
 *
 * @param system Output of `apt-config dump`
 * @param dir Folder of its state and cache
 */
export function privateConfiguration(system: string, dir: string): string {
  const kept = system.split("\n").filter((line) =>
    KEPT_CONFIGURATION.test(line) && !REFUSED_CONFIGURATION.test(line)
  );
  return [
    ...kept,
    'Dir::Etc::main "/dev/null";',
    'Dir::Etc::parts "/dev/null";',
    `Dir::State "${dir}/state/";`,
    `Dir::State::status "${dir}/status";`,
    `Dir::Cache "${dir}/cache/";`,
    'APT::Get::AllowUnauthenticated "false";',
    'Acquire::AllowInsecureRepositories "false";',
    'Acquire::AllowWeakRepositories "false";',
    'Acquire::AllowDowngradeToInsecureRepositories "false";',
    'Acquire::Languages "none";',
    'Acquire::Retries "1";',
    'Acquire::http::Timeout "20";',
    'Acquire::https::Timeout "20";',
    // The unprivileged user that apt changes to when run by root cannot enter root's cache.
    'APT::Sandbox::User "root";',
    // The locks guard the system's package database, which is not used.
    'Debug::NoLocking "true";',
    "",
  ].join("\n");
}

async function findIcd(dir: string): Promise<string> {
  for await (const { name } of Deno.readDir(dir)) {
    if (/^lvp_icd.*\.json$/.test(name)) return join(dir, name);
  }
  throw new Error(`Cannot complete lavapipe: "${PACKAGES[0]}" has no ICD manifest for it`);
}
