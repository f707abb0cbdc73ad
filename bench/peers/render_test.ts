import assert from "node:assert/strict";
import type { Comparison, PeersRecord } from "./record.ts";
import { renderPeers } from "./render.ts";

const side = { runs: 2, samples: [100, 110, 120], error: 1.2e-6 };

const PRODUCT: Comparison = {
  kernel: "matmul",
  shape: "512,256,1024",
  peer: "openblas",
  ratio: 0.21234,
  low: 0.2,
  high: 0.25,
  coverage: 0.984375,
  alternations: 7,
  ours: { ...side, milliseconds: 10.44, gflops: 25.7 },
  theirs: { ...side, milliseconds: 2.1, gflops: 127.8 },
};
const TRAINING: Comparison = {
  ...PRODUCT,
  kernel: "training-step",
  shape: "hidden=128",
  peer: "jax-js-webgpu",
  ratio: 12.345,
  low: 11,
  high: 123.4,
  coverage: 0.75,
  alternations: 3,
  ours: { ...side, milliseconds: 600, error: null },
  theirs: { ...side, milliseconds: 7400, error: null },
};

const RECORD: PeersRecord = {
  schemaVersion: 1,
  adapter: "llvmpipe",
  adapterDetails: {
    description: "llvmpipe",
    vendor: "Mesa",
    architecture: "",
    driver: "Vulkan of the system",
    software: true,
  },
  machine: { processor: "Some CPU", threads: 2, system: "linux", deno: "2.9.6" },
  blas: { detected: "Haswell", better: null },
  trainingReference: null,
  alternations: 7,
  ours: { version: "image operands" },
  peers: { openblas: "OpenBLAS 0.3.21" },
  ratios: [PRODUCT],
  failures: [],
};

Deno.test("a comparison reads as one row with its interval, times, speeds and errors", () => {
  assert.equal(
    renderPeers(RECORD),
    `Plumbline beside its peers on llvmpipe (Vulkan of the system); Some CPU, 2 threads, linux, Deno 2.9.6.

| kernel | shape        | peer     | ratio |              interval |   n | ours, ms | peer, ms | ours, GFLOP/s | peer, GFLOP/s | our error | peer's error |
| ------ | ------------ | -------- | ----: | --------------------: | --: | -------: | -------: | ------------: | ------------: | --------: | -----------: |
| matmul | 512,256,1024 | openblas | 0.212 | 0.200 to 0.250 (98 %) |   7 |     10.4 |     2.10 |          25.7 |           128 |      1e-6 |         1e-6 |

- Ratio: our throughput over the peer's, the median over alternations of the ratio of times; above 1 we are faster. The interval lies between order statistics of those ratios, with the probability that it covers the true median.
- Errors: the largest difference over the largest value, against float64; of large matrices 16 rows are compared.
- Plumbline: image operands. openblas: OpenBLAS 0.3.21.
`,
  );
});

const lineOf = (record: PeersRecord, word: string) =>
  renderPeers(record).split("\n").find((line) => line.includes(word));

Deno.test("a peer that could not be compared has a row with its error, in the order of the tables", () => {
  const error = "onnxruntime has no gradients";
  const text = renderPeers({
    ...RECORD,
    ratios: [TRAINING, PRODUCT],
    failures: [
      { kernel: "cosine-loss", shape: "2048,2048", peer: "onnxruntime-node", error },
      { kernel: "matmul", shape: "1024,768,2048", peer: "tfjs-webgpu", error: "no | adapter" },
    ],
  });
  // Of each row the kernel, the shape, the peer and the last cell.
  const rows = text.split("\n").filter((line) => /^\| (matmul|cosine|training)/.test(line))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .map((cells) => [...cells.slice(1, 4), cells.at(-2)]);
  assert.deepEqual(rows, [
    ["matmul", "1024,768,2048", "tfjs-webgpu", "no \\| adapter"],
    ["matmul", "512,256,1024", "openblas", ""],
    ["cosine-loss", "2048,2048", "onnxruntime-node", error],
    ["training-step", "hidden=128", "jax-js-webgpu", ""],
  ]);
});

Deno.test("fewer alternations, the training's reference and a fall-back of OpenBLAS are said", () => {
  const record: PeersRecord = {
    ...RECORD,
    blas: { detected: "Prescott", better: "SkylakeX" },
    trainingReference: "those of PyTorch in float64",
    ratios: [
      PRODUCT,
      { ...PRODUCT, peer: "openblas-best", theirs: { ...PRODUCT.theirs, gflops: 300 } },
      TRAINING,
    ],
  };
  assert.equal(
    lineOf(record, "Prescott"),
    "- OpenBLAS does not know this processor and takes it for Prescott (up to 128 GFLOP/s): so run openblas and pytorch-cpu. openblas-best and pytorch-cpu-best run with OPENBLAS_CORETYPE=SkylakeX (up to 300 GFLOP/s).",
  );
  assert.equal(
    lineOf(record, "asked for"),
    "- 7 alternations were asked for; slow peers got fewer, column n says how many.",
  );
  assert.equal(
    lineOf(record, "first three"),
    "- The losses of the first three training steps are compared with those of PyTorch in float64.",
  );
});
