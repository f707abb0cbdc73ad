/** The kernel plan of a study, frozen in its folder before its first run. */
import { join } from "node:path";
import { z } from "zod";
import { createFile } from "../data/replace_file.ts";
import type { AdapterRecord } from "../gpu/adapter_info.ts";
import type { KernelPlan } from "../gpu/plan.ts";
import { planSchema } from "./plan_schema.ts";

const NAME = "plan.json";

const schema = z.strictObject({ adapter: z.string(), driver: z.string(), plan: planSchema });

/**
 * The plan that all runs of a folder use; undefined if it has none yet, or one of another adapter
 * or driver: builds of a driver may call the same adapter by the same name.
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
  const { adapter: description, driver, plan } = parsed.data;
  return description === adapter.description && driver === adapter.driver ? plan : undefined;
}

/**
 * Freezes a plan in a folder that has none. Of several processes that do so at once the first one
 * wins, and the others take its plan.
 *
 * @returns The plan that stands there now.
 * @throws {RangeError} If it is of another adapter or driver.
 * @throws {SyntaxError} If the file is damaged.
 */
export async function freezePlan(
  folder: string,
  adapter: AdapterRecord,
  plan: KernelPlan,
): Promise<KernelPlan> {
  await Deno.mkdir(folder, { recursive: true });
  const { description, driver } = adapter;
  const path = join(folder, NAME);
  const text = JSON.stringify({ adapter: description, driver, plan }, null, 2);
  if (await createFile(path, `${text}\n`)) return plan;
  const frozen = await readFrozenPlan(folder, adapter);
  if (!frozen) {
    throw new RangeError(
      `Cannot train on "${description}": "${path}" is the plan of another adapter or driver; ` +
        "choose another --out or add --fresh",
    );
  }
  return frozen;
}
