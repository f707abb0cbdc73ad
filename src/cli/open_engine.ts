/** Opens the adapter that the command line asks for. */
import { openGpu } from "../gpu/adapter.ts";
import type { AdapterRecord } from "../gpu/adapter_info.ts";
import { prepareDriver } from "../gpu/driver.ts";
import { createEngine, type Engine } from "../gpu/engine.ts";

/**
 * Opens an adapter and says which it is.
 *
 * @param adapter Part of its name; the best one when absent.
 * @throws {RangeError} If there is no such adapter.
 */
export async function openEngine(
  adapter: string | undefined,
  say: (line: string) => void,
): Promise<{ engine: Engine; record: AdapterRecord }> {
  // On its own, for what it says while it fetches a driver.
  await prepareDriver({ adapter });
  const { record, plan, device } = await openGpu({ adapter, quiet: true });
  say(`Adapter: ${record.description} (driver: ${record.driver}), operands in ${plan.form} form`);
  return { record, engine: createEngine(device, plan) };
}
