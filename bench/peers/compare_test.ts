import assert from "node:assert/strict";
import { compare } from "./compare.ts";
import type { PeerName } from "./kernels.ts";
import type { Ours } from "./ours.ts";
import type { Comparison, Failure } from "./record.ts";
import { computeReference } from "./reference.ts";
import type { Peer, Subject, Task } from "./subject.ts";

/** A side that gives the right loss, changed by `change`, and takes so long by its own clock. */
function fakePeer(milliseconds: number, change = (loss: number) => loss): Peer {
  return {
    version: "1.0",
    prepare(task: Task): Promise<Subject> {
      assert.equal(task.kernel, "cosine-loss-forward");
      const { loss } = computeReference(task as Exclude<Task, { kernel: "training-step" }>);
      return Promise.resolve({
        result: () => Promise.resolve({ loss: [change(loss.values[0])] }),
        time: (times) => Promise.resolve(times * milliseconds),
        dispose() {},
      });
    },
    close() {},
  };
}

async function run(ours: Peer, peers: Partial<Record<PeerName, () => Peer>>) {
  const ratios: Comparison[] = [], failures: Failure[] = [];
  await compare(
    // The engine makes trainings only.
    ours as Ours,
    {
      open: (name) => new Promise((resolve) => resolve(peers[name]!())),
      reference: () => Promise.resolve(null),
    },
    {
      kernels: ["cosine-loss-forward"],
      peers: Object.keys(peers) as PeerName[],
      alternations: 3,
    },
    { onRatio: (ratio) => void ratios.push(ratio), onFailure: (f) => void failures.push(f) },
  );
  return { ratios, failures };
}

Deno.test("a peer gives a ratio, or is listed with its error; none is left out", async () => {
  const { ratios, failures } = await run(fakePeer(400), {
    "tfjs-wasm": () => fakePeer(1000),
    "jax-js-wasm": () => fakePeer(1000, (loss) => 1.01 * loss),
    "jax-js-webgpu": () => {
      throw new Error("no adapter\nat line 3");
    },
    "onnxruntime-node": () => ({
      ...fakePeer(1),
      prepare: () => Promise.reject(new Error("onnxruntime has no gradients")),
    }),
    // It takes no part in this kernel.
    openblas: () => fakePeer(1),
  });
  assert.deepEqual(ratios.map(({ peer, ratio, alternations }) => [peer, ratio, alternations]), [
    ["tfjs-wasm", 2.5, 3],
  ]);
  const [{ ours, theirs }] = ratios;
  assert.deepEqual(ours.samples, [400, 400, 400]);
  assert.deepEqual([ours.error, theirs.error], [0, 0]);
  assert.deepEqual(failures.map(({ peer, error }) => [peer, error]), [
    ["jax-js-webgpu", "no adapter"],
    ["jax-js-wasm", "its result is wrong: the relative error is 0.010"],
    ["onnxruntime-node", "onnxruntime has no gradients"],
  ]);
});

Deno.test("a GPU that reports an error gives no ratio", async () => {
  const device = new EventTarget() as GPUDevice;
  const { ratios, failures } = await run(fakePeer(400), {
    "tfjs-webgpu": () => {
      const peer = fakePeer(0.01);
      const prepare = async (task: Task): Promise<Subject> => ({
        ...await peer.prepare(task),
        time(times) {
          const event = new Event("uncapturederror");
          device.dispatchEvent(Object.assign(event, { error: { message: "not valid" } }));
          return Promise.resolve(times);
        },
      });
      return { ...peer, device, prepare };
    },
  });
  assert.deepEqual(ratios, []);
  assert.deepEqual(failures.map(({ error }) => error), ["its GPU reported an error: not valid"]);
});

Deno.test("a wrong result of ours ends the comparison", async () => {
  await assert.rejects(
    run(fakePeer(400, (loss) => 2 * loss), { "tfjs-wasm": () => fakePeer(1000) }),
    new Error("Our cosine-loss-forward at 2048,2048 is wrong: its relative error is 1"),
  );
});
