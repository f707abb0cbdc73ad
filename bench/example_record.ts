/** A small record with round numbers, for tests of what is made of records. */
import type { BenchRecord } from "./record.ts";
import { SCHEMA_VERSION } from "./record.ts";
import type { RooflineRecord } from "./roofline.ts";
import type { KernelRecord } from "./sections/kernels.ts";

/** 100 GFLOP/s; copies of 8, 16 and 32 GB/s. */
export function exampleRoofline(): RooflineRecord {
  const copy = { work: 32e6 };
  return {
    arithmetic: [
      { what: "2 chains, * and +", work: 1e9, milliseconds: [20, 21, 19] },
      { what: "3 chains, fma()", work: 2e9, milliseconds: [20, 21, 19] },
    ],
    copyKernel: [
      { what: "buffer to buffer, a row an invocation", ...copy, milliseconds: [8, 8, 8] },
      { what: "buffer to buffer, a row a workgroup", ...copy, milliseconds: [4, 4, 4] },
    ],
    copyCommand: [{ what: "buffer to buffer", ...copy, milliseconds: [2, 2, 2] }],
    host: [{ what: "Float32Array.set, one thread", ...copy, milliseconds: [1, 1, 1] }],
  };
}

/** A product with timestamps, and the cosine loss by the wall clock. */
export function exampleKernels(): KernelRecord[] {
  return [{
    group: "projection, forward",
    size: "8 x 4 -> 4",
    runs: 1,
    dispatches: 2,
    flops: 1e9,
    bytes: 4e6,
    plain: { wall: [500, 510, 490], gpu: [400, 410, 390] },
    chosen: { wall: [30, 31, 29], gpu: [20, 21, 19] },
  }, {
    group: "cosine loss, forward",
    size: "4 x 4",
    runs: 4,
    dispatches: 1,
    flops: 0,
    bytes: 32e6,
    plain: { wall: [10, 11, 9], gpu: null },
    chosen: { wall: [5, 6, 4], gpu: null },
  }];
}

/** A whole record of a made-up GPU. */
export function exampleRecord(): BenchRecord {
  return {
    schemaVersion: SCHEMA_VERSION,
    environment: {
      time: "2026-11-23T12:00:00.000Z",
      commit: "0123abc",
      versions: { plumbline: "0.1.0", deno: "2.9.6" },
      processor: { model: "Some CPU", threads: 2 },
      adapter: {
        description: "Some GPU",
        vendor: "ACME",
        architecture: "road-runner",
        driver: "Vulkan of the system",
        software: false,
      },
      operandForm: "buffer",
      plan: { form: "buffer", lanes: 64 },
      timestamps: true,
      samples: 3,
      filter: "",
    },
    roofline: exampleRoofline(),
    sections: { kernels: exampleKernels() },
  };
}

/** What renderers of sections get beside their record. */
export const exampleFrame = exampleRecord();
