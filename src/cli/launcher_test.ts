import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inTempFolder } from "../testing/temp_folder.ts";

const LAUNCHER = fileURLToPath(new URL("../../plumbline", import.meta.url));
const TOOLS =
  "sh sed dirname readlink uname mkdir mktemp rm mv head tr cut tar gzip chmod sha512sum cat".split(
    " ",
  );
// Untested elsewhere: the launcher for Windows is another file, and macOS has shasum for sha512sum.
const options = { ignore: Deno.build.os !== "linux" };

/** A program that says it is this version of Deno, or prints its arguments and exits with 7. */
function denoOf(version: string): string {
  return `#!/bin/sh
[ "$1" = --version ] && echo "deno ${version} (stable)" && exit
printf '<%s>' "INIT_CWD=$INIT_CWD" "$@"
exit 7`;
}

/** A program that packs a program as if it were the package with Deno. */
function npmWith(deno: string): string {
  return `#!/bin/sh
mkdir package && cat >package/deno <<'END' && chmod +x package/deno && tar -czf deno.tgz package && rm -r package
${deno}
END`;
}

/** Runs the launcher on a machine with only these programs beside the system's, and an empty home. */
async function launch(
  programs: Record<string, string>,
  args: string[],
  env: Record<string, string> = {},
) {
  return await inTempFolder(async (dir) => {
    const bin = join(dir, "bin");
    await Deno.mkdir(bin);
    for (const tool of TOOLS) await Deno.symlink(join("/usr/bin", tool), join(bin, tool));
    for (const [name, text] of Object.entries(programs)) {
      await Deno.writeTextFile(join(bin, name), text, { mode: 0o755 });
    }
    const { code, stdout, stderr } = await new Deno.Command(LAUNCHER, {
      args,
      cwd: dir,
      clearEnv: true,
      env: { PATH: bin, HOME: dir, ...env },
      stdin: "null",
    }).output();
    const [printed, said] = [stdout, stderr].map((bytes) =>
      new TextDecoder().decode(bytes).replaceAll(dir, "DIR")
    );
    return { code, printed, said };
  });
}

Deno.test(
  "arguments, exit status and the caller's folder reach the task unchanged",
  options,
  async () => {
    const args = [
      "ablate",
      "two words",
      "$HOME",
      "*",
      "it's",
      '"q"',
      "",
      "--",
      "--help",
      "a;b",
      "new\nline",
    ];
    const { code, printed, said } = await launch({ deno: denoOf("2.9.6") }, args, {
      INIT_CWD: "/of/an/outer/npm",
    });
    assert.equal(code, 7);
    assert.equal(said, "");
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const expected = ["INIT_CWD=DIR", "task", "--quiet", "--config", config, ...args];
    assert.equal(printed, expected.map((argument) => `<${argument}>`).join(""));
  },
);

Deno.test("a newer Deno is used, an older one is as good as none", options, async () => {
  for (const version of ["2.9.0", "2.10.1", "3.0.0"]) {
    assert.equal((await launch({ deno: denoOf(version) }, ["test"])).code, 7, version);
  }
  for (const version of ["1.46.3", "2.8.9"]) {
    const { code, said } = await launch({ deno: denoOf(version) }, ["test"]);
    assert.equal(code, 1, version);
    assert.match(said, /^plumbline: cannot find Deno 2.9 or newer: install .*npm.*\n$/);
  }
});

Deno.test("a package other than the locked one is refused", {
  ignore: options.ignore || Deno.build.arch !== "x86_64",
}, async () => {
  const { code, printed, said } = await launch({ npm: npmWith(denoOf("2.9.6")) }, ["test"]);
  assert.equal(code, 1);
  assert.equal(printed, "");
  assert.match(said, /plumbline: refusing Deno 2.9.6/);
});

Deno.test("a failing npm is one line that says so", options, async () => {
  const npm = "#!/bin/sh\necho 'npm error code ENOTFOUND' >&2; exit 1";
  const { code, said } = await launch({ npm }, ["test"]);
  assert.equal(code, 1);
  assert.match(said, /^plumbline: cannot fetch Deno .*ENOTFOUND; check the network.*$/m);
});

Deno.test("without a home folder the error names what to set", options, async () => {
  const { code, said } = await launch({}, ["test"], { HOME: "" });
  assert.equal(code, 1);
  assert.equal(said, "plumbline: cannot find a place for the cache: set PLUMBLINE_CACHE or HOME\n");
});
