/** AdamW with global-norm clipping, written on the tape behind the backward pass. */
import { createArray } from "../gpu/memory.ts";
import { bandTensor, freeTensor, stateTensor, type Tensor } from "../gpu/tensor.ts";
import { rowGrid, type Tape } from "../tensor/tape.ts";
import type { Parameter } from "./parameters.ts";

/** Settings of AdamW (arXiv 1711.05101). */
export interface AdamWSettings {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
}

/** Parameters that are updated with the same settings and clipped together. */
export interface ParameterGroup {
  parameters: Parameter[];
  settings: AdamWSettings;
  /** Index into the step's learning rates and bias corrections. */
  optimizerGroup: 0 | 1;
  /** Groups with the same number share one global norm. */
  clipGroup: 0 | 1;
  /** Largest global norm; 0 for none. */
  clip: number;
}

/** First and second moments of a parameter. */
export interface Moments {
  m: Tensor;
  v: Tensor;
}

/**
 * Writes one AdamW update of all groups on the tape.
 *
 *   p = p (1 - lr wd);  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *   p = p - lr m c1 / (sqrt(v c2) + eps)
 *
 * with g the gradient times min(1, clip / (norm + 1e-6)). A parameter without a gradient is left
 * as it is. The norm of each clip group goes to places 2 and 3 of the ring's slot.
 *
 * Parameters that `createParameters` laid together take one dispatch.
 *
 * @returns the moments by parameter name; `destroy` frees them and what else the update works in
 */
export function traceAdamW(
  tape: Tape,
  groups: ParameterGroup[],
  ring: GPUBuffer,
): { moments: Map<string, Moments>; destroy(): void } {
  const { engine } = tape;
  const runs = groups.flatMap((group) => parameterRuns(tape, group));
  const rows = runs.reduce((sum, { gradient }) => sum + gradient.rows, 0);
  const partial = createArray(engine.device, rows, "gradient squares");
  const norms = createArray(engine.device, 4, "gradient norms");
  let offset = 0;
  for (const clipGroup of [0, 1]) {
    const members = runs.filter(({ group }) => group.clipGroup === clipGroup);
    if (members.length === 0) continue;
    const start = offset;
    for (const { gradient } of members) {
      tape.dispatch("gradient_squares", {
        matrices: { gradient },
        arrays: { partial },
        sizes: { rows: gradient.rows, width4: gradient.width4, offset },
        grid: rowGrid(tape, gradient.rows),
      });
      offset += gradient.rows;
    }
    tape.dispatch("clip_scale", {
      matrices: {},
      arrays: { partial, norms, ring },
      sizes: {
        offset: start,
        count: offset - start,
        clip_group: clipGroup,
        clip: members[0].group.clip,
      },
      grid: [1, 1],
    });
  }
  const moments = new Map<string, Moments>();
  const owned = runs.flatMap(({ stacked, gradient }) => stacked ? [gradient] : []);
  for (const { group, members, gradient } of runs) {
    const { columns, rows, width4 } = gradient;
    const [tensor, master] = (["tensor", "master"] as const)
      .map((part) => bandTensor(members[0][part], part, 0, rows));
    const [m, v] = ["m", "v"].map((name) => stateTensor(engine, name, { rows, columns }));
    owned.push(m, v);
    let firstRow = 0;
    for (const { name, tensor } of members) {
      const band = (of: Tensor) => bandTensor(of, `${of.name} ${name}`, firstRow, tensor.rows);
      moments.set(name, { m: band(m), v: band(v) });
      firstRow += tensor.rows;
    }
    const mirror = members[0].master === members[0].tensor ? undefined : tensor;
    const { beta1, beta2, eps, weightDecay } = group.settings;
    tape.dispatch("adamw", {
      matrices: { gradient, master, m, v, ...(mirror && { mirror }) },
      arrays: { norms },
      constants: { MIRROR: mirror ? 1 : 0 },
      sizes: {
        rows,
        width4,
        clip_group: group.clipGroup,
        optimizer_group: group.optimizerGroup,
        beta1,
        beta2,
        // In float32, 1 - beta2 would be off by 1e-5 of itself for the usual beta2.
        rest1: 1 - beta1,
        rest2: 1 - beta2,
        eps,
        weight_decay: members[0].decay ? weightDecay : 0,
      },
      grid: rowGrid(tape, rows),
    });
  }
  return {
    moments,
    destroy() {
      for (const buffer of [partial, norms]) buffer.destroy();
      for (const tensor of owned) freeTensor(engine, tensor);
    },
  };
}

/** Parameters that lie below each other in memory and are updated alike, with their gradients. */
interface ParameterRun {
  group: ParameterGroup;
  members: Parameter[];
  /** Rows of all members. */
  gradient: Tensor;
  /** Whether the gradient's memory was made for the run. */
  stacked: boolean;
}

/**
 * Splits a group into runs, and lays the gradients of a run below each other as its members are.
 * A gradient that has memory already, or none at all, ends a run.
 */
function parameterRuns({ engine, gradientOf }: Tape, group: ParameterGroup): ParameterRun[] {
  const runs: { members: Parameter[]; gradients: Tensor[] }[] = [];
  // What is frozen may lie in bands, which have no one place.
  const byPlace = group.parameters.filter(({ tensor }) => gradientOf(tensor)).sort((a, b) =>
    a.tensor.matrix!.firstRow - b.tensor.matrix!.firstRow
  );
  for (const parameter of byPlace) {
    const gradient = gradientOf(parameter.tensor)!;
    const run = runs.find(({ members, gradients }) =>
      continues(parameter, members.at(-1)!) && !gradient.matrix && !gradients.at(-1)!.matrix &&
      !gradients.includes(gradient)
    );
    if (!run) runs.push({ members: [parameter], gradients: [gradient] });
    else {
      run.members.push(parameter);
      run.gradients.push(gradient);
    }
  }
  return runs.map(({ members, gradients }) => {
    if (gradients[0].matrix) {
      return { group, members, gradient: gradients[0], stacked: false };
    }
    const rows = gradients.reduce((sum, { rows }) => sum + rows, 0);
    const all = stateTensor(engine, "gradients", { rows, columns: gradients[0].columns });
    let firstRow = 0;
    for (const gradient of gradients) {
      gradient.matrix = bandTensor(all, gradient.name, firstRow, gradient.rows).matrix;
      firstRow += gradient.rows;
    }
    return { group, members, gradient: all, stacked: true };
  });
}

/** Whether a parameter's memory begins where another's ends, and both decay alike. */
function continues({ tensor: { matrix: next }, decay }: Parameter, before: Parameter): boolean {
  const { matrix } = before.tensor;
  return next!.texture === matrix!.texture && next!.buffer === matrix!.buffer &&
    next!.firstRow === matrix!.firstRow + matrix!.rows && decay === before.decay;
}
