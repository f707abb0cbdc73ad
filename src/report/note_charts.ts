/**
 * Two charts of the founding note, digitised: accuracy against lambda, read off the plotted points.
 *
 * Source: "Regularising MLLM Alignment through Self-Distillation" and "Regularising MLLM Alignment
 * through Cosine Constrainment" (2025), charts of 13 and 14 March 2025. SLAKE English, exact match on
 * the validation questions, one training seed a point, mean of three folds; the reading error is about
 * 0.0002. These are facts of that study: no result of this project is computed from them, a report of
 * a sweep over lambda quotes their lines beside its own.
 */

/** A digitised chart. */
export interface NoteChart {
  /** Objective under the chart's regularisation constant. */
  objective: string;
  /** Points (lambda, accuracy), accuracy as a share, in the order of the chart. */
  points: readonly (readonly [number, number])[];
}

// deno-fmt-ignore
/** The charts, in the order of such arms in a study, so that both share a colour in the figures. */
export const NOTE_CHARTS: readonly NoteChart[] = [
  {
    objective: "cosine constraint",
    points: [
      [0, 0.7573], [0, 0.757], [0.2, 0.7553], [0.4, 0.7528], [0.5, 0.7586], [0.6, 0.7526],
      [0.8, 0.7574], [1, 0.7593], [1, 0.7578], [1.2, 0.7498], [1.4, 0.7614], [1.5, 0.7586],
      [1.6, 0.7583], [1.8, 0.7517], [2, 0.7577], [2.5, 0.7541], [3, 0.7539], [3.5, 0.7489],
      [4, 0.7584], [4.5, 0.751], [5, 0.7595], [5.5, 0.757], [6, 0.7574],
    ],
  },
  {
    objective: "self-distillation",
    points: [
      [0, 0.7466], [0.2, 0.7456], [0.4, 0.7524], [0.6, 0.7462], [0.8, 0.7459], [1, 0.7522],
      [1.2, 0.7524], [1.4, 0.7591], [1.6, 0.7567], [1.8, 0.7604], [2, 0.7582], [2.2, 0.7597],
      [2.4, 0.7598], [2.6, 0.7593], [2.8, 0.7628], [3, 0.762], [3.2, 0.7656], [3.4, 0.765],
    ],
  },
];
