/**
 * jax-js, on WebGPU and in WebAssembly.
 *
 * Kernels are jitted. On WebGPU every run is submitted and the queue waited for once. In WebAssembly
 * `blockUntilReady` follows every run, which costs nothing there. A result that is let go before
 * either is never computed.
 */
import { biasCorrection } from "../../src/nn/schedule.ts";
import type { JaxArray, JaxArrays, JaxDevice, JaxJs, JaxTree } from "./jax_js_library.ts";
import { createJaxTraining, meanCosineLoss, type StepLosses } from "./jax_js_training_step.ts";
import { JAX_JS } from "./packages.ts";
import type { StepTask } from "./step_task.ts";
import {
  COMPARED_STEPS,
  type Peer,
  type Result,
  type Subject,
  type Task,
  timed,
} from "./subject.ts";

/** Opens jax-js on a device. */
export async function openJaxJs(device: JaxDevice): Promise<Peer> {
  const jax: JaxJs = await import(JAX_JS.specifier);
  const devices = await jax.init(device);
  if (!devices.includes(device)) {
    throw new Error(`jax-js starts no ${device} backend here`);
  }
  return {
    ...(device === "webgpu" && { device: jax.getWebGPUDevice() }),
    version: `jax-js ${JAX_JS.version}, jit`,
    prepare(task) {
      // The default is the library's, not the peer's: two of them may be open.
      jax.defaultDevice(device);
      return Promise.resolve(prepare(jax, device, task));
    },
    close() {},
  };
}

function prepare(jax: JaxJs, device: JaxDevice, task: Task): Subject {
  const { numpy: np } = jax;
  switch (task.kernel) {
    case "matmul": {
      const { rows, inner, columns, a, b } = task;
      const inputs = [
        np.array(a, { shape: [rows, inner], device }),
        np.array(b, { shape: [inner, columns], device }),
      ];
      return jitted(jax, device, inputs, (a, b) => ({ c: np.matmul(a, b) }));
    }
    case "cosine-loss-forward":
    case "cosine-loss": {
      const { rows, columns, kernel, x, y } = task;
      const inputs = [x, y].map((side) => np.array(side, { shape: [rows, columns], device }));
      const loss = (x: JaxArray, y: JaxArray) => meanCosineLoss(jax, x, y);
      if (kernel === "cosine-loss-forward") {
        return jitted(jax, device, inputs, (x, y) => ({ loss: loss(x, y) }));
      }
      const withGradients = jax.valueAndGrad<
        [JaxArray, JaxArray],
        [JaxArray, JaxArray]
      >(loss, {
        argnums: [0, 1],
      });
      return jitted(jax, device, inputs, (x, y) => {
        const [value, [dx, dy]] = withGradients(x, y);
        return { loss: value, dx, dy };
      });
    }
    case "training-step":
      return prepareTraining(jax, device, task.step);
  }
}

/** Lets results go, once it is sure that they are computed. */
async function finish(jax: JaxJs, device: JaxDevice, results: JaxTree): Promise<void> {
  if (device === "webgpu") {
    for (const array of jax.tree.leaves(results)) array.gpuBufferSync();
  } else {
    await jax.blockUntilReady(results);
    jax.tree.dispose(results);
  }
}

/** Waits for what has been submitted; in WebAssembly nothing is left. */
const queueWait = (jax: JaxJs, device: JaxDevice) => async () => {
  if (device === "webgpu") await jax.getWebGPUDevice().queue.onSubmittedWorkDone();
};

/** A function of two arrays as a subject. */
function jitted(
  jax: JaxJs,
  device: JaxDevice,
  inputs: JaxArray[],
  f: (a: JaxArray, b: JaxArray) => JaxArrays,
): Subject {
  const compiled = jax.jit(f);
  const [a, b] = inputs;
  return {
    async result() {
      const result: Result = {};
      for (const [name, array] of Object.entries(compiled(a.ref, b.ref))) {
        result[name] = await array.data();
      }
      return result;
    },
    time: (times) =>
      timed(times, () => finish(jax, device, compiled(a.ref, b.ref)), queueWait(jax, device)),
    dispose() {
      compiled.dispose();
      jax.tree.dispose(inputs);
    },
  };
}

function prepareTraining(jax: JaxJs, device: JaxDevice, task: StepTask): Subject {
  const training = createJaxTraining(jax, device, task);
  const { batch, step } = training;
  const { beta1, beta2 } = task.optimizer;
  let { state } = training;
  let steps = 0;
  const run = (): StepLosses => {
    steps++;
    const correction = (beta: number) => jax.numpy.array(biasCorrection(beta, steps), { device });
    const next = step(state, jax.tree.ref(batch), {
      correction1: correction(beta1),
      correction2: correction(beta2),
    });
    state = next.state;
    return next.losses;
  };
  return {
    async result() {
      const tokenLoss: number[] = [], cosineLoss: number[] = [];
      for (let i = 0; i < COMPARED_STEPS; i++) {
        const losses = run();
        tokenLoss.push((await losses.tokenLoss.data())[0]);
        cosineLoss.push((await losses.cosineLoss.data())[0]);
      }
      await jax.blockUntilReady(state);
      return { tokenLoss, cosineLoss };
    },
    time: (times) =>
      timed(
        times,
        // The references are more, the arrays stay.
        () => finish(jax, device, [run(), jax.tree.ref(state)]),
        queueWait(jax, device),
      ),
    dispose() {
      step.dispose();
      jax.tree.dispose([state, batch]);
    },
  };
}
