/** AdamW with global-norm clipping, written on the tape behind the backward pass. */
import { createArray } from "../gpu/memory.ts";
import { stateTensor, type Tensor } from "../gpu/program.ts";
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
 * @returns the moments by parameter name, and the buffers that the update works in
 */
export function traceAdamW(
  tape: Tape,
  groups: ParameterGroup[],
  ring: GPUBuffer,
): { moments: Map<string, Moments>; buffers: GPUBuffer[] } {
  const { engine } = tape;
  const entries = groups
    .flatMap((group) =>
      group.parameters.map((parameter) => ({
        group,
        parameter,
        gradient: tape.gradientOf(parameter.tensor),
      }))
    )
    .filter((entry): entry is typeof entry & { gradient: Tensor } => entry.gradient !== undefined);
  const rows = entries.reduce((sum, { parameter }) => sum + parameter.tensor.rows, 0);
  const partial = createArray(engine.device, rows, "gradient squares");
  const norms = createArray(engine.device, 4, "gradient norms");
  let offset = 0;
  for (const clipGroup of [0, 1]) {
    const members = entries.filter(({ group }) => group.clipGroup === clipGroup);
    if (members.length === 0) continue;
    const start = offset;
    for (const { parameter: { tensor }, gradient } of members) {
      tape.dispatch("gradient_squares", {
        matrices: { gradient },
        arrays: { partial },
        sizes: { rows: tensor.rows, width4: tensor.width4, offset },
        grid: rowGrid(tape, tensor.rows),
      });
      offset += tensor.rows;
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
  // Weights are read by the passes above and cannot be written in place: the new values go to memory
  // of the program's own and are copied at its end.
  const copies: [Tensor, Tensor][] = [];
  for (const { parameter, group, gradient } of entries) {
    const { tensor, name } = parameter;
    const m = stateTensor(engine, `m ${name}`, tensor);
    const v = stateTensor(engine, `v ${name}`, tensor);
    moments.set(name, { m, v });
    const next = tape.tensor(`next ${name}`, tensor.rows, tensor.columns);
    const { beta1, beta2, eps, weightDecay } = group.settings;
    tape.dispatch("adamw", {
      matrices: { weight: tensor, gradient, next_weight: next, m, v },
      arrays: { norms },
      sizes: {
        rows: tensor.rows,
        width4: tensor.width4,
        clip_group: group.clipGroup,
        optimizer_group: group.optimizerGroup,
        beta1,
        beta2,
        // In float32, 1 - beta2 would be off by 1e-5 of itself for the usual beta2.
        rest1: 1 - beta1,
        rest2: 1 - beta2,
        eps,
        weight_decay: parameter.decay ? weightDecay : 0,
      },
      grid: rowGrid(tape, tensor.rows),
    });
    copies.push([next, tensor]);
  }
  for (const [from, to] of copies) tape.copy(from, to);
  return { moments, buffers: [partial, norms] };
}
