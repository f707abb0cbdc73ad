/** Opens the GPU: a driver, an adapter with its highest limits, and a device whose errors are heard. */
import { type AdapterRecord, describeAdapter } from "./adapter_info.ts";
import { type DriverOptions, prepareDriver } from "./driver.ts";
import { defaultPlan, type KernelPlan, type OperandForm } from "./plan.ts";

/** An open GPU. */
export interface Gpu {
  device: GPUDevice;
  adapter: GPUAdapter;
  record: AdapterRecord;
  /** The form in which kernels read their matrices fastest here. */
  operandForm: OperandForm;
  /** What runs when nothing has been measured here. */
  plan: KernelPlan;
}

/** Limits that are raised to the adapter's: WebGPU gives a device its specification's lowest unless asked. */
export const RAISED_LIMITS = [
  "maxBufferSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupStorageSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxStorageTexturesPerShaderStage",
  "maxTextureDimension2D",
] as const satisfies (keyof GPUSupportedLimits)[];

const WANTED_FEATURES: GPUFeatureName[] = ["timestamp-query", "shader-f16"];

// The widest kernel binds this many matrices.
const IMAGES_A_KERNEL = 8;

/**
 * Opens the adapter that `options` names, the best one by default, and says which it is.
 *
 * An error of the device that no error scope catches is thrown, and ends the process.
 *
 * @throws {RangeError} If there is no such adapter
 * @throws {Error} If there is no adapter at all
 */
export async function openGpu(options: DriverOptions = {}): Promise<Gpu> {
  const driver = await prepareDriver(options);
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error(`Cannot open a GPU: ${driver.description} gives no adapter`);
  const record: AdapterRecord = { ...describeAdapter(adapter), driver: driver.description };
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
    requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
  });
  device.addEventListener("uncapturederror", ({ error }) => {
    throw new Error(`The GPU reported an error: ${error.message}`, { cause: error });
  });
  if (!options.quiet) console.error(`Adapter: ${record.description}, ${record.driver}`);
  const operandForm = chooseOperandForm(
    record.software,
    adapter.limits.maxStorageTexturesPerShaderStage,
    Deno.env.get("PLUMBLINE_OPERANDS"),
  );
  // A software adapter runs as many invocations as one vector of the processor holds.
  const plan = defaultPlan(operandForm, record.software, adapter.info.subgroupMinSize || undefined);
  return { device, adapter, record, operandForm, plan };
}

/**
 * Images on software adapters, where a storage buffer is read in a branch per lane; buffers on GPUs.
 *
 * @param software Whether the adapter computes on the CPU
 * @param images Storage textures that one shader stage can bind
 * @param override Value of `PLUMBLINE_OPERANDS`
 * @throws {RangeError} If the override is neither form
 */
export function chooseOperandForm(
  software: boolean,
  images: number,
  override: string | undefined,
): OperandForm {
  if (override === "image" || override === "buffer") return override;
  if (override) {
    throw new RangeError(`Cannot use PLUMBLINE_OPERANDS "${override}": it is "image" or "buffer"`);
  }
  return software && images >= IMAGES_A_KERNEL ? "image" : "buffer";
}
