/**
 * TensorFlow.js, on WebGPU and in WebAssembly.
 *
 * On WebGPU, done is when what the backend has queued is submitted and `onSubmittedWorkDone`
 * resolves; nothing is downloaded. In WebAssembly a call returns with its result.
 *
 * The whole library is loaded rather than its core, whose gradients only a bundler finds.
 */
import { type Package, TFJS, TFJS_WASM, TFJS_WEBGPU } from "./packages.ts";
import { type Peer, type Result, type Subject, type Task, timed } from "./subject.ts";

/** What is used of the library; its own types would have to be fetched for every check of the program. */
interface Tensorflow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  backend(): unknown;
  tensor2d(values: Float32Array, shape: [number, number]): Tensor;
  tidy<Value extends Tensor | TensorMap>(f: () => Value): Value;
  dispose(tensors: TensorMap): void;
  matMul(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  div(a: Tensor, b: Tensor): Tensor;
  sub(a: number, b: Tensor): Tensor;
  sum(x: Tensor, axis: number): Tensor;
  mean(x: Tensor): Tensor;
  sqrt(x: Tensor): Tensor;
  valueAndGrads(
    f: (...inputs: Tensor[]) => Tensor,
  ): (inputs: Tensor[]) => { value: Tensor; grads: Tensor[] };
}
interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}
type TensorMap = Record<string, Tensor>;
interface WebgpuBackend {
  device: GPUDevice;
  queue: GPUQueue;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}
interface WasmBackendModule {
  getThreadsCount(): number;
}

const BACKENDS: Record<"webgpu" | "wasm", Package> = {
  webgpu: TFJS_WEBGPU,
  wasm: TFJS_WASM,
};

/** Opens TensorFlow.js on a backend. */
export async function openTfjs(backend: "webgpu" | "wasm"): Promise<Peer> {
  const tf: Tensorflow = await import(TFJS.specifier);
  const module: WasmBackendModule = await import(BACKENDS[backend].specifier);
  // The current backend is the library's, not the peer's: both of them may be open.
  const use = async () => {
    if (!await tf.setBackend(backend)) {
      throw new Error(`tfjs starts no ${backend} backend here`);
    }
    await tf.ready();
  };
  await use();
  const threads = backend === "wasm" ? `, threads: ${module.getThreadsCount()}` : "";
  const { device } = tf.backend() as Partial<WebgpuBackend>;
  return {
    device,
    version: `tfjs ${TFJS.version}${threads}`,
    async prepare(task) {
      await use();
      const wait = backend === "webgpu" ? queueWait(tf.backend() as WebgpuBackend) : undefined;
      return prepare(tf, task, wait);
    },
    close() {},
  };
}

/** Submits what is still being recorded, as the backend does before it downloads, and waits. */
const queueWait = (backend: WebgpuBackend) => async () => {
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.queue.onSubmittedWorkDone();
};

function prepare(
  tf: Tensorflow,
  task: Task,
  wait?: () => Promise<void>,
): Subject {
  switch (task.kernel) {
    case "matmul": {
      const { rows, inner, columns, a, b } = task;
      const inputs = [
        tf.tensor2d(a, [rows, inner]),
        tf.tensor2d(b, [inner, columns]),
      ];
      return subject(tf, inputs, ([a, b]) => ({ c: tf.matMul(a, b) }), wait);
    }
    case "cosine-loss-forward":
    case "cosine-loss": {
      const { rows, columns, kernel, x, y } = task;
      const inputs = [x, y].map((side) => tf.tensor2d(side, [rows, columns]));
      const loss = (x: Tensor, y: Tensor) => meanCosineLoss(tf, x, y);
      if (kernel === "cosine-loss-forward") {
        return subject(
          tf,
          inputs,
          ([x, y]) => ({ loss: loss(x, y) }),
          wait,
        );
      }
      const withGradients = tf.valueAndGrads(loss);
      return subject(tf, inputs, (inputs) => {
        const { value, grads: [dx, dy] } = withGradients(inputs);
        return { loss: value, dx, dy };
      }, wait);
    }
    case "training-step":
      throw new Error("the training step is not written in tfjs");
  }
}

/** mean over rows of 1 - cos(x, y). */
function meanCosineLoss(tf: Tensorflow, x: Tensor, y: Tensor): Tensor {
  const dot = (a: Tensor, b: Tensor) => tf.sum(tf.mul(a, b), -1);
  const norms = tf.sqrt(tf.mul(dot(x, x), dot(y, y)));
  return tf.sub(1, tf.mean(tf.div(dot(x, y), norms)));
}

function subject(
  tf: Tensorflow,
  inputs: Tensor[],
  f: (inputs: Tensor[]) => TensorMap,
  wait?: () => Promise<void>,
): Subject {
  const run = () => tf.tidy(() => f(inputs));
  return {
    async result() {
      const tensors = run();
      const result: Result = {};
      for (const [name, tensor] of Object.entries(tensors)) {
        result[name] = await tensor.data();
      }
      tf.dispose(tensors);
      return result;
    },
    time: (times) => timed(times, () => tf.dispose(run()), wait),
    dispose() {
      for (const input of inputs) input.dispose();
    },
  };
}
