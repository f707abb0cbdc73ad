/** Measurements that need a process of their own. */

/**
 * Runs a script of this folder in a process of its own and reads the JSON that it prints.
 *
 * @param args Options of Deno before the script, none by default.
 * @throws {Error} If the script fails; what it said is the message's end.
 */
export async function runChild<Result>(
  script: string,
  args: string[],
  { flags = [], env = {} }: { flags?: string[]; env?: Record<string, string> } = {},
): Promise<Result> {
  const path = new URL(script, import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...flags, path, ...args],
    env,
    cwd: new URL("../", import.meta.url),
  });
  const { success, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(`Cannot measure by ${script}: ${decode(stderr)}`);
  return JSON.parse(decode(stdout));
}
