import assert from "node:assert/strict";
import { peerTargets } from "./peer_targets.ts";
import type { Comparison } from "./peers/record.ts";

const comparison = (kernel: string, shape: string, peer: string, ratio: number) =>
  ({ kernel, shape, peer, ratio, low: ratio - 0.01, high: ratio + 0.01 }) as Comparison;

Deno.test("the shape that misses its aim most stands for a peer", () => {
  const targets = peerTargets({
    ratios: [
      comparison("matmul", "1024,768,2048", "openblas", 0.3),
      comparison("matmul", "512,256,1024", "openblas", 0.2),
      comparison("matmul", "1024,1024,1024", "tfjs-webgpu", 24),
      comparison("training-step", "hidden=256", "pytorch-cpu", 0.6),
      comparison("cosine-loss", "2048,2048", "pytorch-cpu", 0.1),
    ],
  });
  assert.deepEqual(targets, [{
    what: "matmul: our speed over that of openblas, at worst (512,256,1024)",
    aim: "at least 0.18",
    measured: "0.200 (0.190 to 0.210)",
    met: true,
  }, {
    what: "matmul: our speed over that of tfjs-webgpu, at worst (1024,1024,1024)",
    aim: "at least 25",
    measured: "24.0 (24.0 to 24.0)",
    met: false,
  }, {
    what: "training-step: our speed over that of pytorch-cpu, at worst (hidden=256)",
    aim: "at least 0.6",
    measured: "0.600 (0.590 to 0.610)",
    met: true,
  }]);
});

Deno.test("nothing measured, nothing said", () => {
  assert.deepEqual(peerTargets({ ratios: [] }), []);
});
