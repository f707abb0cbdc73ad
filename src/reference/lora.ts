/** Low-rank adaptation in PEFT layout: Hu et al., arXiv 2106.09685. */
import { matmul } from "./matmul.ts";
import { scale, type Values } from "./values.ts";

/** Named tensors. */
export type Weights = ReadonlyMap<string, Values>;

const PREFIX = "base_model.model.";
const SUFFIX = ".lora_A.weight";

/**
 * The weights with W + factor B A in place of each adapted W: A (rank, inputs), B (outputs, rank),
 * factor = alpha / rank.
 */
export function mergeLora(
  weights: Weights,
  adapter: Weights,
  rank: number,
  factor: number,
): Weights {
  const merged = new Map(weights);
  for (const { target, a, b } of adapted(adapter)) {
    const delta = matmul("NN", b, a, {
      m: b.length / rank,
      k: rank,
      n: a.length / rank,
    });
    const weight = weights.get(target)!;
    merged.set(target, delta.map((value, i) => weight[i] + factor * value));
  }
  return merged;
}

/** Gradients by A and B from those by the merged weights, under the adapter's names. */
export function loraGradients(
  gradients: Weights,
  adapter: Weights,
  rank: number,
  factor: number,
): Map<string, Float64Array> {
  const result = new Map<string, Float64Array>();
  for (const { target, nameA, nameB, a, b } of adapted(adapter)) {
    const gradWeight = gradients.get(target)!;
    const [inputs, outputs] = [a.length / rank, b.length / rank];
    const gradA = matmul("TN", b, gradWeight, {
      m: rank,
      k: outputs,
      n: inputs,
    });
    const gradB = matmul("NT", gradWeight, a, {
      m: outputs,
      k: inputs,
      n: rank,
    });
    result.set(nameA, scale(gradA, factor));
    result.set(nameB, scale(gradB, factor));
  }
  return result;
}

/** The adapted weights with their pairs of matrices. */
function adapted(adapter: Weights) {
  return [...adapter.keys()].filter((name) => name.endsWith(SUFFIX)).map(
    (nameA) => {
      const nameB = nameA.replace("lora_A", "lora_B");
      const target = `${nameA.slice(PREFIX.length, -SUFFIX.length)}.weight`;
      return {
        target,
        nameA,
        nameB,
        a: adapter.get(nameA)!,
        b: adapter.get(nameB)!,
      };
    },
  );
}
