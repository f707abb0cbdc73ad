/** The kernel plan of a study, frozen in its folder before its first run. */
import { join } from "node:path";
import { z } from "zod";
import type { KernelPlan } from "../gpu/plan.ts";
import { replaceFile } from "../data/replace_file.ts";
import type { AdapterRecord } from "../study/record.ts";
import { planSchema } from "./plan_schema.ts";

const NAME = "plan.json";

const schema = z.strictObject({ adapter: z.string(), driver: z.string(), plan: planSchema });

/**
 * The plan that all runs of a folder use; undefined if it has none yet, or one of another adapter.
 *
 * @throws {SyntaxError} If the file is damaged.
 */
export async function readFrozenPlan(
  folder: string,
  adapter: AdapterRecord,
): Promise<KernelPlan | undefined> {
  const path = join(folder, NAME);
  const text = await Deno.readTextFile(path).catch((error) => {
    // What is no folder is refused by whoever writes there.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  });
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SyntaxError(`Cannot read kernel plan: "${path}" is no JSON; --fresh begins anew`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SyntaxError(
      `Cannot read kernel plan: field "${issue.path.join(".")}" of "${path}" is wrong ` +
        `(${issue.message}); --fresh begins anew`,
    );
  }
  return parsed.data.adapter === adapter.description ? parsed.data.plan : undefined;
}

/** Freezes a plan in a folder. */
export async function freezePlan(
  folder: string,
  { description, driver }: AdapterRecord,
  plan: KernelPlan,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const text = JSON.stringify({ adapter: description, driver, plan }, null, 2);
  await replaceFile(join(folder, NAME), `${text}\n`);
}
