/** Of which code, time and adapter measurements are: what every file of records begins with. */
import type { AdapterRecord } from "../src/gpu/adapter_info.ts";

/** Where the measurements of a file come from. */
export interface Origin {
  /** When measuring began, ISO 8601 in UTC. */
  time: string;
  /** Git commit; with local changes, `... with local changes`; `unknown` outside a repository. */
  commit: string;
  adapter: AdapterRecord;
}

/** Describes measurements that are about to be made. */
export async function describeOrigin(adapter: AdapterRecord): Promise<Origin> {
  return { time: new Date().toISOString(), commit: await gitCommit(), adapter };
}

/** Says of which commit a file is, where that is not known or is not what the report's table says. */
export function renderOrigin(file: string, origin: Origin | undefined, table: Origin): string {
  if (!origin) return `Commit and time of \`${file}\`: not recorded.\n`;
  const { time, commit, adapter: { description } } = origin;
  return commit === table.commit && description === table.adapter.description
    ? ""
    : `\`${file}\` is of commit ${commit}, begun ${time}, on ${description}.\n`;
}

/** The commit of the project's folder. Reports do not count as changes: measuring writes them. */
async function gitCommit(): Promise<string> {
  const commit = await git("rev-parse", "HEAD");
  if (!commit) return "unknown";
  const changed = await git("status", "--porcelain", "--", ".", ":!reports");
  return commit + (changed ? " with local changes" : "");
}

async function git(...args: string[]): Promise<string> {
  try {
    const command = new Deno.Command("git", { args, cwd: new URL("../", import.meta.url) });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : "";
  } catch {
    // There is no git.
    return "";
  }
}
