/**
 * Obtains the software Vulkan driver SwiftShader from an npm package that carries it.
 *
 * The archive inside the package is used only if it has the hash written here.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { runCommand } from "./driver_command.ts";
import type { DriverManifest } from "./driver_manifest.ts";

const LOCKED = {
  name: "@sparticuz/chromium",
  version: "153.0.0",
  archive: "bin/swiftshader.tar.br",
  /** SHA-512 (hex) of the archive. */
  sha512:
    "8396c0e03b47be601e2ce5edecde4c163db6e760ba391025955934fe92e93a579c2a867a8b84c59a5d044b1e2a418b246211434f1c42c9cf86274d9f34024651",
};
const LIBRARIES = ["libvulkan.so.1", "libvk_swiftshader.so"];
const ICD = "vk_swiftshader_icd.json";

/** Whether the package has a driver for this machine. */
export function canObtainSwiftshader(): boolean {
  return Deno.build.os === "linux" && Deno.build.arch === "x86_64";
}

/**
 * Downloads SwiftShader into `dir`.
 *
 * @param dir An empty folder
 * @throws {Error} If the package cannot be had or its archive is not the one locked here
 */
export async function obtainSwiftshader(dir: string): Promise<DriverManifest> {
  const download = join(dir, "download");
  await Deno.mkdir(download);
  const archive = verifiedArchive(await Deno.readFile(await fetchPackage(download)));
  const tar = join(download, "swiftshader.tar");
  await Deno.writeFile(tar, brotliDecompressSync(archive));
  await runCommand("tar", ["-xf", tar, "-C", dir, ...LIBRARIES, ICD]);
  await Deno.remove(download, { recursive: true });
  const source = `npm ${LOCKED.name} ${LOCKED.version}`;
  return { name: "swiftshader", version: LOCKED.version, source, icd: ICD, libraries: LIBRARIES };
}

/**
 * The archive, if it is the locked one.
 *
 * @throws {Error} If its hash differs
 */
export function verifiedArchive(bytes: Uint8Array): Uint8Array {
  const hash = createHash("sha512").update(bytes).digest("hex");
  if (hash === LOCKED.sha512) return bytes;
  throw new Error(
    `Refusing SwiftShader: "${LOCKED.archive}" of ${LOCKED.name} ${LOCKED.version} has SHA-512 ${
      hash.slice(0, 16)
    }…, ` +
      `not ${LOCKED.sha512.slice(0, 16)}…`,
  );
}

/** Fetches the package by Deno, else by npm, whichever reaches the registry; returns the archive's path. */
async function fetchPackage(dir: string): Promise<string> {
  const failures: string[] = [];
  for (const fetch of [fetchByDeno, fetchByNpm]) {
    try {
      return await fetch(dir);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(`Cannot fetch ${LOCKED.name} ${LOCKED.version}: ${failures.join("; ")}`);
}

async function fetchByDeno(dir: string): Promise<string> {
  const env = {
    DENO_DIR: join(dir, "deno"),
    // A network may have a certificate authority of its own, known to the system.
    DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system",
  };
  const specifier = `npm:${LOCKED.name}@${LOCKED.version}`;
  await runCommand(Deno.execPath(), ["cache", "--no-config", "--no-lock", specifier], {
    cwd: dir,
    env,
  });
  for await (const { name: registry } of Deno.readDir(join(env.DENO_DIR, "npm"))) {
    const archive = join(
      env.DENO_DIR,
      "npm",
      registry,
      LOCKED.name,
      LOCKED.version,
      LOCKED.archive,
    );
    if (await Deno.stat(archive).then(() => true, () => false)) return archive;
  }
  throw new Error(`Cannot find "${LOCKED.archive}" in what Deno fetched`);
}

async function fetchByNpm(dir: string): Promise<string> {
  // Without the two, npm waits for minutes before it says that there is no network.
  const patience = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"];
  const specifier = `${LOCKED.name}@${LOCKED.version}`;
  const args = ["pack", "--loglevel=error", ...patience, specifier];
  const printed = await runCommand("npm", args, { cwd: dir });
  await runCommand("tar", ["-xzf", join(dir, printed.trim().split("\n").at(-1)!), "-C", dir]);
  return join(dir, "package", LOCKED.archive);
}
