/** An imaginary device with limits to try what large matrices meet, at small sizes. */
import { imaginaryDevice } from "../gpu/imaginary_device.ts";

/** Limits as lavapipe has them. */
const USUAL: Partial<GPUSupportedLimits> = {
  maxBufferSize: 2 ** 31,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBufferBindingSize: 134_217_728,
  maxTextureDimension2D: 16_384,
  minUniformBufferOffsetAlignment: 256,
};

/** @param limits What is other than usual. */
export function limitedDevice(limits: Partial<GPUSupportedLimits> = {}): GPUDevice {
  const real = { limits: { ...USUAL, ...limits }, features: imaginaryDevice().features };
  return imaginaryDevice(real as GPUDevice);
}
