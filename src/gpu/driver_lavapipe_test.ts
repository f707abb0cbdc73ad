import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { runCommand } from "./driver_command.ts";
import { canObtainLavapipe, obtainLavapipe, privateConfiguration } from "./driver_lavapipe.ts";

const SYSTEM = `APT::Architecture "amd64";
APT::Get::AllowUnauthenticated "true";
APT::Update::Post-Invoke-Success:: "touch /etc/changed";
DPkg::Pre-Install-Pkgs:: "/usr/sbin/dpkg-preconfigure --apt || true";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::AllowInsecureRepositories "true";
Dir::Etc::trusted "trusted.gpg";
Dir::Etc::parts "apt.conf.d";
Dir::State "var/lib/apt";
`;

Deno.test("the private apt reaches the archive as the system's does", () => {
  const lines = privateConfiguration(SYSTEM, "/cache/apt").split("\n");
  assert.ok(lines.includes('Acquire::http::Proxy "http://proxy.example:3128";'));
  assert.ok(lines.includes('Dir::Etc::trusted "trusted.gpg";'));
  assert.ok(lines.includes('APT::Architecture "amd64";'));
});

Deno.test("the private apt accepts nothing unsigned, runs no hook and writes to its own folders", () => {
  const text = privateConfiguration(SYSTEM, "/cache/apt");
  assert.doesNotMatch(text, /Allow\w+ "true"/);
  assert.match(text, /APT::Get::AllowUnauthenticated "false"/);
  assert.match(text, /Acquire::AllowInsecureRepositories "false"/);
  assert.doesNotMatch(text, /Post-Invoke|Pre-Install/);
  assert.match(text, /Dir::Etc::parts "\/dev\/null"/);
  assert.match(text, /Dir::State "\/cache\/apt\/state\/"/);
  assert.doesNotMatch(text, /"var\/lib\/apt"/);
});

const ignore = !await canObtainLavapipe();
const canSign = !ignore && await runCommand("gpg", ["--version"]).then(() => true, () => false);

/**
 * Why lavapipe cannot be obtained from an archive that has no package but "tiny", where apt's only
 * source is `source` with PLACE for the archive and KEY for the public key.
 */
async function refusalOf(source: string, isSigned = false): Promise<string> {
  return await inTempFolder(async (dir) => {
    const [archive, key] = [join(dir, "archive"), join(dir, "key.gpg")];
    await Deno.mkdir(archive);
    const fields = [
      ...["Package: tiny", "Version: 1", "Architecture: all", "Maintainer: none <none@invalid>"],
      ...["Filename: ./tiny.deb", "Size: 1", `SHA256: ${"0".repeat(64)}`, "Description: tiny", ""],
    ];
    await Deno.writeTextFile(join(archive, "Packages"), fields.join("\n"));
    if (isSigned) await sign(archive, dir, key);
    const sources = join(dir, "sources.list");
    await Deno.writeTextFile(
      sources,
      source.replace("PLACE", `file:${archive}`).replace("KEY", key) + "\n",
    );
    const configuration = join(dir, "system.conf");
    await Deno.writeTextFile(
      configuration,
      [
        `Dir::Etc::sourcelist "${sources}";`,
        ...["main", "parts", "sourceparts"].map((part) => `Dir::Etc::${part} "/dev/null";`),
      ].join("\n"),
    );
    const before = Deno.env.get("APT_CONFIG");
    Deno.env.set("APT_CONFIG", configuration);
    try {
      const driver = join(dir, "driver");
      await Deno.mkdir(driver);
      await obtainLavapipe(driver);
      return "";
    } catch (error) {
      return (error as Error).message.replaceAll(dir, "");
    } finally {
      if (before === undefined) Deno.env.delete("APT_CONFIG");
      else Deno.env.set("APT_CONFIG", before);
    }
  });
}

/** Signs an archive with a new key. */
async function sign(archive: string, dir: string, key: string): Promise<void> {
  const packages = await Deno.readFile(join(archive, "Packages"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", packages)).toHex();
  const release = join(archive, "Release");
  const lines = [
    `Date: ${new Date().toUTCString()}`,
    `SHA256:\n ${digest} ${packages.length} Packages`,
    "",
  ];
  await Deno.writeTextFile(release, lines.join("\n"));
  const home = join(dir, "gnupg");
  await Deno.mkdir(home, { mode: 0o700 });
  const gpg = (...args: string[]) =>
    runCommand("gpg", ["--homedir", home, "--batch", "--passphrase", "", ...args]);
  await gpg("--quick-generate-key", "test@invalid", "default", "sign", "1d");
  await gpg("--output", key, "--export");
  await gpg("--output", join(archive, "InRelease"), "--clearsign", release);
  await Deno.remove(release);
  await runCommand("gpgconf", ["--homedir", home, "--kill", "gpg-agent"]);
}

Deno.test(
  "a source that apt is told to trust without a signature is refused by name",
  { ignore },
  async () => {
    const refused = "Cannot obtain lavapipe from this system's package archive: " +
      "it would take unsigned packages of file:/archive/: remove trusted=yes in /sources.list:1";
    assert.equal(await refusalOf("deb [trusted=yes] PLACE ./"), refused);
    assert.equal(await refusalOf("deb [ lang=none trusted=on ] PLACE ./"), refused);
  },
);

Deno.test("an archive without a signature is refused", { ignore }, async () => {
  assert.match(await refusalOf("deb PLACE ./"), /does not have a Release file/);
});

Deno.test("a system without an archive is told so", { ignore }, async () => {
  assert.match(await refusalOf("# nothing"), /archive: apt has no source of packages$/);
});

Deno.test("a signed archive is looked into, unless its signature would not count", {
  ignore: !canSign,
}, async () => {
  assert.match(
    await refusalOf("deb [signed-by=KEY] PLACE ./", true),
    /Unable to locate package mesa-vulkan-drivers/,
  );
  assert.match(
    await refusalOf("deb [signed-by=KEY trusted=yes] PLACE ./", true),
    /unsigned packages of file:\/archive\/: remove trusted=yes/,
  );
});
