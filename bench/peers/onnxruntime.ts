/**
 * onnxruntime: its web build on WebGPU, its native build on the CPU.
 *
 * On WebGPU inputs are GPU buffers and outputs stay in GPU buffers; done is when
 * `onSubmittedWorkDone` resolves. On the CPU a run resolves with its result.
 */
import { cosineLossModel, matmulModel, type OnnxGraph, onnxModel } from "./onnx_model.ts";
import { ONNXRUNTIME_NODE, ONNXRUNTIME_WEB } from "./packages.ts";
import { type Peer, type Result, type Subject, type Task, timed } from "./subject.ts";

/** What is used of the library; its own types would have to be fetched for every check of the program. */
interface Onnxruntime {
  InferenceSession: {
    create(
      model: Uint8Array,
      options: Record<string, unknown>,
    ): Promise<Session>;
  };
  Tensor:
    & (new (type: "float32", values: Float32Array, shape: number[]) => Tensor)
    & {
      fromGpuBuffer(
        buffer: GPUBuffer,
        options: { dataType: "float32"; dims: number[] },
      ): Tensor;
    };
  env: { webgpu: { device: Promise<GPUDevice> } };
}
interface Session {
  run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}
interface Tensor {
  getData(): Promise<Float32Array>;
  dispose(): void;
}

/** What differs between the builds. */
interface Build {
  device?: GPUDevice;
  ort: Onnxruntime;
  options: Record<string, unknown>;
  upload(values: Float32Array<ArrayBuffer>, shape: number[]): Promise<Tensor>;
  wait?(): Promise<void>;
}

/** Opens onnxruntime-web on WebGPU. */
export async function openOnnxruntimeWeb(): Promise<Peer> {
  const ort: Onnxruntime = await import(ONNXRUNTIME_WEB.specifier);
  // The first session opens the device.
  const options = {
    executionProviders: ["webgpu"],
    preferredOutputLocation: "gpu-buffer",
  };
  await ort.InferenceSession.create(onnxModel(matmulModel(1, 1, 1)), options);
  const device = await ort.env.webgpu.device;
  return peer(`onnxruntime-web ${ONNXRUNTIME_WEB.version}`, {
    device,
    ort,
    options,
    upload(values, dims) {
      const buffer = device.createBuffer({
        size: values.byteLength,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST |
          GPUBufferUsage.COPY_SRC,
      });
      device.queue.writeBuffer(buffer, 0, values);
      return Promise.resolve(ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims }));
    },
    wait: () => device.queue.onSubmittedWorkDone().then(() => {}),
  });
}

/** Opens onnxruntime-node on the CPU, with a thread for each logical processor. */
export async function openOnnxruntimeNode(): Promise<Peer> {
  const ort: Onnxruntime = await import(ONNXRUNTIME_NODE.specifier);
  const threads = navigator.hardwareConcurrency;
  return peer(
    `onnxruntime-node ${ONNXRUNTIME_NODE.version}, threads: ${threads}`,
    {
      ort,
      options: { executionProviders: ["cpu"], intraOpNumThreads: threads },
      upload: (values, shape) => Promise.resolve(new ort.Tensor("float32", values, shape)),
    },
  );
}

function peer(version: string, build: Build): Peer {
  const { device } = build;
  return { version, device, prepare: (task) => prepare(build, task), close() {} };
}

async function prepare(build: Build, task: Task): Promise<Subject> {
  switch (task.kernel) {
    case "matmul": {
      const { rows, inner, columns, a, b } = task;
      return await subject(build, matmulModel(rows, inner, columns), { a, b });
    }
    case "cosine-loss-forward": {
      const { rows, columns, x, y } = task;
      return await subject(build, cosineLossModel(rows, columns), { x, y });
    }
    case "cosine-loss":
    case "training-step":
      throw new Error("onnxruntime has no gradients");
  }
}

async function subject(
  { ort, options, upload, wait }: Build,
  graph: OnnxGraph,
  values: Record<string, Float32Array<ArrayBuffer>>,
): Promise<Subject> {
  const session = await ort.InferenceSession.create(onnxModel(graph), options);
  const inputs: Record<string, Tensor> = {};
  for (const [name, shape] of Object.entries(graph.inputs)) {
    inputs[name] = await upload(values[name], shape);
  }
  const disposeAll = (tensors: Record<string, Tensor>) => {
    for (const tensor of Object.values(tensors)) tensor.dispose();
  };
  return {
    async result() {
      const outputs = await session.run(inputs);
      const result: Result = {};
      // What the data is a view of goes with the tensor.
      for (const [name, tensor] of Object.entries(outputs)) {
        result[name] = (await tensor.getData()).slice();
      }
      disposeAll(outputs);
      return result;
    },
    time: (times) => timed(times, async () => disposeAll(await session.run(inputs)), wait),
    async dispose() {
      disposeAll(inputs);
      await session.release();
    },
  };
}
