/**
 * Entry of `deno task bench:peers`.
 *
 * It imports everything else by a call, for Deno fetches all packages of the lock file with the
 * first one that is needed, and what cannot be fetched can then be said in one line.
 */

// What is still being fetched after this long is said.
const FETCHING_MS = 3000;

const fetching = setTimeout(
  () => console.error("Fetching the peers' packages, 760 MB"),
  FETCHING_MS,
);
try {
  const { main } = await import("./command.ts");
  clearTimeout(fetching);
  await main(Deno.args);
} catch (error) {
  clearTimeout(fetching);
  if (Deno.env.get("PLUMBLINE_DEBUG")) throw error;
  console.error(`error: ${describe(error)}`);
  Deno.exitCode = 1;
}
// Libraries keep threads and handles; they must not keep a finished program alive.
Deno.exit();

function describe(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  const text = (message ?? String(error)).trim().replace(/\s*\n\s*/g, " ");
  return code === "ERR_MODULE_NOT_FOUND"
    ? `Cannot load the packages of the comparison, which come from npm: ${text}`
    : text;
}
