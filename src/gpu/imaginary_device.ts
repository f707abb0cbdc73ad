/** A device that allocates and computes nothing. */

/**
 * Tracing and compiling on it says which memory and which kernels a program takes.
 *
 * @param real A device whose limits and features it shares, for they decide where matrices fold and
 * what kernels may use; without one, limits are generous.
 */
export function imaginaryDevice(real?: GPUDevice): GPUDevice {
  const generous = new Proxy({}, {
    get: (_, name) => name === "minUniformBufferOffsetAlignment" ? 256 : 2 ** 31,
  });
  // What a resource was asked to be can be read from it, as from a real one.
  const resource = (descriptor: object) => ({
    ...descriptor,
    createView: () => ({}),
    destroy: () => {},
  });
  const fields: Record<string, unknown> = {
    limits: real?.limits ?? generous,
    features: real?.features ?? new Set(),
    queue: { writeBuffer: () => {}, writeTexture: () => {}, submit: () => {} },
  };
  return new Proxy({}, { get: (_, name: string) => fields[name] ?? resource }) as GPUDevice;
}
