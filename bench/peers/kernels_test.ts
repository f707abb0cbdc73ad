import assert from "node:assert/strict";
import { KERNELS, PEERS, sizesOf } from "./kernels.ts";

Deno.test("shapes are read as their sizes", () => {
  assert.deepEqual(sizesOf("1024,768,2048"), [1024, 768, 2048]);
  assert.deepEqual(sizesOf("hidden=128"), [128]);
  for (const { name, shapes } of KERNELS) {
    for (const shape of shapes) {
      assert.ok(sizesOf(shape).every((size) => size > 0), `${name} ${shape}`);
    }
  }
});

Deno.test("every peer takes part in products, and in nothing that it is not listed for", () => {
  const peersOf = (kernel: string) => KERNELS.find(({ name }) => name === kernel)!.peers;
  assert.deepEqual(peersOf("matmul"), PEERS);
  assert.ok(peersOf("cosine-loss").every((peer) => !peer.startsWith("openblas")));
  assert.ok(peersOf("training-step").every((peer) => !/^(openblas|tfjs)/.test(peer)));
  // It has no gradients, and says so in every kernel that needs some.
  for (const { peers } of KERNELS) assert.ok(peers.includes("onnxruntime-node"));
});
