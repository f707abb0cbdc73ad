/** `doctor`: what this machine computes with, whether it computes right, and what is cached. */
import { Command } from "@commander-js/extra-typings";
import { type Gpu, openGpu } from "../gpu/adapter.ts";
import { CACHE_PARTS, cacheDir, type CachePart, cacheSizes, clearCache } from "../gpu/cache.ts";
import { type AvailableAdapter, listAdapters, prepareDriver } from "../gpu/driver.ts";
import { packageOf, systemIcds } from "../gpu/driver_system.ts";
import { createEngine } from "../gpu/engine.ts";
import { selfTest } from "../self_test/self_test.ts";
import { quickKernels } from "../study/kernels.ts";
import { advise } from "./doctor_advice.ts";
import { type Diagnosis, formatDiagnosis } from "./doctor_format.ts";

/** The command `doctor`. */
export function doctorCommand() {
  return new Command("doctor")
    .summary("say which adapter, driver and cache are used")
    .description(
      "Says which adapter and driver are used, runs the kernel self-test, and shows the cache.",
    )
    .option(
      "--adapter <name>",
      "system, lavapipe, swiftshader, or part of an adapter's description",
    )
    .option("--json", "print what was found as JSON")
    .option("--clear-cache", "remove the cache instead")
    .action(async ({ adapter, json, clearCache: clear }) => {
      if (clear) {
        const removed = await clearCache();
        console.log(json ? JSON.stringify({ dir: cacheDir(), removed }) : describeRemoval(removed));
        return;
      }
      const diagnosis = await diagnose(adapter, json ?? false);
      console.log(json ? JSON.stringify(diagnosis, null, 2) : formatDiagnosis(diagnosis));
      const passed = diagnosis.selfTest.every((result) => result.passed);
      if (diagnosis.problem || !passed) Deno.exitCode = 1;
    });
}

/** Opens the adapter, tests its kernels and gathers the rest. */
async function diagnose(asked: string | undefined, quiet: boolean): Promise<Diagnosis> {
  // Before a driver is chosen, since the choice is seen by every process started after it.
  const [available, icds] = [await listAdapters(), await systemIcds()];
  const found: Pick<Diagnosis, "adapter" | "driver" | "problem" | "selfTest"> = {
    adapter: null,
    driver: null,
    problem: null,
    selfTest: [],
  };
  try {
    const choice = await prepareDriver({ adapter: asked, quiet });
    const gpu = await openGpu({ adapter: asked, quiet: true });
    const version = choice.version ?? await systemVersion(gpu, available);
    found.driver = { kind: choice.kind, description: choice.description, version };
    found.adapter = describeGpu(gpu);
    const engine = createEngine(gpu.device, gpu.plan);
    found.selfTest = await selfTest(engine, await quickKernels(engine));
    gpu.device.destroy();
  } catch (error) {
    if (error instanceof RangeError) throw error;
    found.problem = (error as Error).message;
  }
  const parts = await cacheSizes();
  return {
    ...found,
    adapters: available.map(({ description, choice }) => ({
      description,
      driver: choice.description,
    })),
    cache: {
      dir: cacheDir(),
      bytes: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0),
      parts,
    },
    advice: advise({
      driver: found.driver?.kind ?? null,
      software: found.adapter?.software ?? true,
      icds,
    }),
  };
}

function describeGpu({ adapter, device, record, operandForm }: Gpu): Diagnosis["adapter"] {
  const limits: Record<string, number> = {};
  for (const name in device.limits) {
    const value = device.limits[name as keyof GPUSupportedLimits];
    if (typeof value === "number") limits[name] = value;
  }
  const { description, vendor, architecture, software } = record;
  return {
    description,
    vendor,
    architecture,
    software,
    operandForm,
    features: [...adapter.features].sort(),
    limits,
  };
}

/** The package of the system's driver that gives this adapter. */
async function systemVersion(
  { record }: Gpu,
  available: AvailableAdapter[],
): Promise<string | null> {
  const same = available.find(({ description, choice }) =>
    choice.icd && description === record.description
  );
  return same?.choice.icd ? await packageOf(same.choice.icd) : null;
}

function describeRemoval(removed: Partial<Record<CachePart, number>>): string {
  const lines = (Object.entries(removed) as [CachePart, number][])
    .filter(([, bytes]) => bytes > 0)
    .map(([part, bytes]) => `Removed ${CACHE_PARTS[part]}: ${(bytes / 1e6).toFixed(1)} MB`);
  return lines.join("\n") || `Nothing to remove in ${cacheDir()}`;
}
