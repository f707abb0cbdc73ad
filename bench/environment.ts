/** What the measurements of one record were made with and on. */
import { cpus } from "node:os";
import type { Gpu } from "../src/gpu/adapter.ts";
import type { KernelPlan, OperandForm } from "../src/gpu/plan.ts";
import type { AdapterRecord } from "../src/study/record.ts";
import { VERSION } from "../src/study/run_record.ts";
import { hasTimestamps } from "./measure.ts";

/** Machine, programs and settings of a record. */
export interface Environment {
  /** When measuring began, ISO 8601 in UTC. */
  time: string;
  /** Git commit; with local changes, `... with local changes`; `unknown` outside a repository. */
  commit: string;
  versions: { plumbline: string; deno: string };
  processor: { model: string; threads: number };
  adapter: AdapterRecord;
  operandForm: OperandForm;
  /** Of the chosen form, shown as it is: its layout is the engine's affair. */
  plan: object;
  /** Whether the adapter gives GPU timestamps. */
  timestamps: boolean;
  /** Samples of each benchmark and form. */
  samples: number;
  /** Text that what was measured has in its name; empty for everything. */
  filter: string;
}

/** Describes where and how a record is about to be made. */
export async function describeEnvironment(
  { device, record, operandForm }: Gpu,
  plan: KernelPlan,
  { samples, filter }: { samples: number; filter: string },
): Promise<Environment> {
  return {
    time: new Date().toISOString(),
    commit: await gitCommit(),
    versions: { plumbline: VERSION, deno: Deno.version.deno },
    processor: { model: cpus()[0]?.model.trim() ?? "unknown", threads: cpus().length },
    adapter: record,
    operandForm,
    plan,
    timestamps: hasTimestamps(device),
    samples,
    filter,
  };
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
