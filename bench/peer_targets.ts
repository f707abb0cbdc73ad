/** What was aimed at beside other libraries, and what came of it. */
import type { KernelName, PeerName } from "./peers/kernels.ts";
import type { Comparison, PeersRecord } from "./peers/record.ts";
import type { Target } from "./section.ts";

interface Aim {
  kernel: KernelName;
  peers: PeerName[];
  /** Least ratio, by shape where shapes differ. */
  least: number | Record<string, number>;
}

const OPENBLAS = {
  "1024,768,2048": 0.22,
  "1024,2048,2048": 0.22,
  "512,256,1024": 0.18,
  "2048,256,256": 0.18,
  "1024,1024,1024": 0.18,
};
const PYTORCH = { "hidden=128": 0.9, "hidden=256": 0.6 };

const AIMS: Aim[] = [
  { kernel: "matmul", peers: ["openblas", "openblas-best"], least: OPENBLAS },
  { kernel: "matmul", peers: ["tfjs-webgpu", "onnxruntime-web-webgpu"], least: 25 },
  { kernel: "matmul", peers: ["jax-js-webgpu"], least: 20 },
  { kernel: "training-step", peers: ["pytorch-cpu", "pytorch-cpu-best"], least: PYTORCH },
  { kernel: "training-step", peers: ["jax-js-webgpu"], least: 10 },
];

/** One target for each peer of an aim: the shape that comes nearest to missing it, or misses most. */
export function peerTargets({ ratios }: Pick<PeersRecord, "ratios">): Target[] {
  return AIMS.flatMap(({ kernel, peers, least }) =>
    peers.flatMap((peer) => {
      const aimAt = ({ shape }: Comparison) => typeof least === "number" ? least : least[shape];
      const [worst] = ratios
        .filter((one) => one.kernel === kernel && one.peer === peer && aimAt(one) !== undefined)
        .sort((a, b) => a.ratio / aimAt(a) - b.ratio / aimAt(b));
      if (!worst) return [];
      const interval = `${worst.low.toPrecision(3)} to ${worst.high.toPrecision(3)}`;
      return [{
        what: `${kernel}: our speed over that of ${peer}, at worst (${worst.shape})`,
        aim: `at least ${aimAt(worst)}`,
        measured: `${worst.ratio.toPrecision(3)} (${interval})`,
        met: worst.ratio >= aimAt(worst),
      }];
    })
  );
}
