/** How each peer is opened, and what on this machine decides about it. */
import { betterCore, blasEnvironment, processorFlags, unsetOverrides } from "./blas_core.ts";
import { openJaxJs } from "./jax_js.ts";
import { type PeerName, PEERS } from "./kernels.ts";
import { type ChildPeer, startChild } from "./line_child.ts";
import { openOnnxruntimeNode, openOnnxruntimeWeb } from "./onnxruntime.ts";
import { loadOpenblas } from "./openblas.ts";
import { startPytorch } from "./pytorch.ts";
import type { Peer } from "./subject.ts";
import { openTfjs } from "./tfjs.ts";

/** Which processor OpenBLAS takes this machine for. */
export interface BlasCores {
  /** What it chooses by itself; null where there is no OpenBLAS. */
  detected: string | null;
  /** A core type that suits the processor better; null where its own choice stands. */
  better: string | null;
}

/** Asks OpenBLAS in a short child process, which leaves this one free to load it later. */
export async function detectBlasCores(): Promise<BlasCores> {
  let child: ChildPeer;
  try {
    child = await startOpenblas(null);
  } catch {
    // The peer says itself why it cannot be opened.
    return { detected: null, better: null };
  }
  await child.close();
  const detected = String(child.greeting.core);
  const cpuinfo = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  return { detected, better: betterCore(detected, processorFlags(cpuinfo)) };
}

/** The peers that a run without a choice compares: all that differ from each other here. */
export function defaultPeers({ better }: BlasCores): PeerName[] {
  return PEERS.filter((peer) => better !== null || !peer.endsWith("-best"));
}

/** The openers of all peers on this machine. */
export function peerOpeners(
  { detected, better }: BlasCores,
): Record<PeerName, () => Promise<Peer>> {
  const best = (other: PeerName) => {
    if (better !== null) return better;
    throw new Error(`OpenBLAS chooses ${detected ?? "nothing"} here: it is the same as ${other}`);
  };
  return {
    "tfjs-webgpu": () => openTfjs("webgpu"),
    "tfjs-wasm": () => openTfjs("wasm"),
    "jax-js-webgpu": () => openJaxJs("webgpu"),
    "jax-js-wasm": () => openJaxJs("wasm"),
    "onnxruntime-web-webgpu": openOnnxruntimeWeb,
    "onnxruntime-node": openOnnxruntimeNode,
    openblas: () => Promise.try(openOpenblas),
    "openblas-best": async () => await startOpenblas(best("openblas")),
    "pytorch-cpu": () => startPytorch(null),
    "pytorch-cpu-best": async () => await startPytorch(best("pytorch-cpu")),
  };
}

/** OpenBLAS in this process, for the core it chooses. */
function openOpenblas(): Peer {
  unsetOverrides();
  const { version, prepare } = loadOpenblas();
  return { version, prepare: (task) => Promise.try(prepare, task), close() {} };
}

/** OpenBLAS in a child process, for a core type or the one it chooses. */
function startOpenblas(core: string | null): Promise<ChildPeer> {
  return startChild({
    name: "OpenBLAS",
    command: Deno.execPath(),
    args: [
      "run",
      "--no-config",
      "--no-lock",
      "-A",
      import.meta.resolve("./openblas_child.ts"),
    ],
    env: blasEnvironment(Deno.env.toObject(), core),
  });
}
