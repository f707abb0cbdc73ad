/** What an adapter says about itself, in words. */

/** An adapter's name and kind. */
export interface AdapterDescription {
  /** What the adapter calls itself. */
  description: string;
  /** Its vendor, as WebGPU names it; may be empty. */
  vendor: string;
  /** Its architecture, as WebGPU names it; may be empty. */
  architecture: string;
  /** Whether it computes on the CPU. */
  software: boolean;
}

/** The adapter that ran, as records keep it. */
export interface AdapterRecord extends AdapterDescription {
  /** Where the driver came from, for example `system` or `lavapipe in the cache`. */
  driver: string;
}

// PCI vendor ids; those above 0xffff are Khronos vendor ids (VkVendorId in the Vulkan registry).
const VENDORS: Record<number, string> = {
  0x1002: "AMD",
  0x106b: "Apple",
  0x10de: "NVIDIA",
  0x13b5: "ARM",
  0x1414: "Microsoft",
  0x1ae0: "Google",
  0x5143: "Qualcomm",
  0x8086: "Intel",
  0x10005: "Mesa",
};

/** Describes an adapter; Deno gives the vendor as a decimal id. */
export function describeAdapter({ info }: GPUAdapter): AdapterDescription {
  return {
    description: info.description || info.device,
    vendor: VENDORS[Number(info.vendor)] ?? info.vendor,
    architecture: info.architecture,
    software: info.isFallbackAdapter || /llvmpipe|swiftshader/i.test(info.description),
  };
}
