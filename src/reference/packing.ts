import { PREFIX } from "./attention.ts";
import { IGNORED } from "./cross_entropy.ts";
import type { Values } from "./values.ts";

/** A question with its answer, as tokens. */
export interface TokenizedQuestion {
  ids: Values;
  /** 1 at the tokens of the answer, which carry the loss. */
  answerMask: Values;
}

/** The questions of one picture as one sequence: image tokens first, then question by question. */
export interface PackedSequence {
  /** Text tokens, without the image. */
  ids: Int32Array;
  /** For every position, image first: it restarts after the prefix with every question. */
  positions: Int32Array;
  /** For every position: `PREFIX` or the question. */
  segment: Int32Array;
  /** For every position: the token it predicts, or `IGNORED`. */
  targets: Int32Array;
}

/**
 * Packs questions behind one image prefix. One question gives the plain causal sequence.
 *
 * @throws {RangeError} two questions have an answer token right after the prefix, whose last
 * position would have to predict both
 */
export function packQuestions(
  imageTokens: number,
  questions: TokenizedQuestion[],
): PackedSequence {
  const prefix = Array.from({ length: imageTokens }, (_, i) => i);
  const ids: number[] = [];
  const positions = [...prefix];
  const segment = prefix.map(() => PREFIX);
  const targets = prefix.map(() => IGNORED);
  for (const [q, question] of questions.entries()) {
    for (let t = 0; t < question.ids.length; t++) {
      const predictor = t === 0 ? imageTokens - 1 : targets.length - 1;
      if (question.answerMask[t]) {
        if (targets[predictor] !== IGNORED) {
          throw new RangeError(
            `Cannot pack question ${q}: its answer starts right after the image`,
          );
        }
        targets[predictor] = question.ids[t];
      }
      ids.push(question.ids[t]);
      positions.push(imageTokens + t);
      segment.push(q);
      targets.push(IGNORED);
    }
  }
  return {
    ids: Int32Array.from(ids),
    positions: Int32Array.from(positions),
    segment: Int32Array.from(segment),
    targets: Int32Array.from(targets),
  };
}
