/**
 * The kernel plan: in which form operands live and how large the register blocks are.
 *
 * A plan changes the order of sums, so a study keeps one plan for all of its runs and records it.
 */

/**
 * Where a matrix lives.
 *
 * - `image`: a storage texture `rgba32float`, four columns a texel. On software adapters, which
 *   turn a storage-buffer load into a branchy loop per lane, this is many times faster.
 * - `buffer`: a storage buffer of `vec4f`, row-major.
 */
export type OperandForm = "image" | "buffer";

/** Register block of a matrix product: rows and groups of four columns an invocation owns. */
export interface MatmulBlock {
  rows: number;
  texels: number;
}

/** What decides which kernel variants run. */
export interface KernelPlan {
  form: OperandForm;
  /** Invocations a workgroup. */
  lanes: number;
  matmul: { nt: MatmulBlock; nn: MatmulBlock; tn: MatmulBlock };
}

/** The plan for an operand form when nothing has been measured. */
export function defaultPlan(form: OperandForm, software: boolean): KernelPlan {
  // A software adapter runs eight lanes as one vector; a GPU wants more of them and smaller blocks.
  return software
    ? {
      form,
      lanes: 8,
      matmul: {
        nt: { rows: 16, texels: 2 },
        nn: { rows: 16, texels: 4 },
        tn: { rows: 16, texels: 2 },
      },
    }
    : {
      form,
      lanes: 64,
      matmul: {
        nt: { rows: 4, texels: 1 },
        nn: { rows: 4, texels: 1 },
        tn: { rows: 4, texels: 1 },
      },
    };
}
