/** What is compared: kernels, their shapes, and which peers take part in each. */

/** A kernel by the name that records use; `cosine-loss` is forward and backward. */
export type KernelName =
  | "matmul"
  | "cosine-loss-forward"
  | "cosine-loss"
  | "training-step";

/** A library that Plumbline is compared with. */
export type PeerName =
  | "tfjs-webgpu"
  | "jax-js-webgpu"
  | "onnxruntime-web-webgpu"
  | "jax-js-wasm"
  | "tfjs-wasm"
  | "onnxruntime-node"
  | "openblas"
  | "openblas-best"
  | "pytorch-cpu"
  | "pytorch-cpu-best";

/** Every peer, in the order of tables: on WebGPU, in WebAssembly, native. */
export const PEERS: readonly PeerName[] = [
  "tfjs-webgpu",
  "jax-js-webgpu",
  "onnxruntime-web-webgpu",
  "jax-js-wasm",
  "tfjs-wasm",
  "onnxruntime-node",
  "openblas",
  "openblas-best",
  "pytorch-cpu",
  "pytorch-cpu-best",
];

const ALL_BUT_OPENBLAS = PEERS.filter((peer) => !peer.startsWith("openblas"));

/** A kernel: its shapes and who takes part. */
export interface KernelTable {
  name: KernelName;
  /** `M,K,N` of A (M, K) B (K, N); `rows,columns` of both sides; the hidden size of the model. */
  shapes: readonly string[];
  /**
   * OpenBLAS has products only. onnxruntime takes part where it has to say that it computes no
   * gradients. The training step is not written in tfjs.
   */
  peers: readonly PeerName[];
}

/** Every kernel, in the order of tables. */
export const KERNELS: readonly KernelTable[] = [
  {
    name: "matmul",
    shapes: [
      "1024,768,2048",
      "1024,2048,2048",
      "512,256,1024",
      "2048,256,256",
      "1024,1024,1024",
    ],
    peers: PEERS,
  },
  {
    name: "cosine-loss-forward",
    shapes: ["2048,2048"],
    peers: ALL_BUT_OPENBLAS,
  },
  { name: "cosine-loss", shapes: ["2048,2048"], peers: ALL_BUT_OPENBLAS },
  {
    name: "training-step",
    shapes: ["hidden=128", "hidden=256"],
    peers: ALL_BUT_OPENBLAS.filter((peer) => !peer.startsWith("tfjs")),
  },
];

/** Sizes in a shape's text: `1024,768,2048` or `hidden=128`. */
export function sizesOf(shape: string): number[] {
  return shape.split(",").map((size) => Number(size.replace(/^hidden=/, "")));
}
