/**
 * The content hash of a data set: equal hashes mean equal pictures, questions and answers in equal order.
 */
import { createHash } from "node:crypto";
import type { Example } from "./dataset.ts";

/**
 * SHA-256 (hex) over the name of a data set and the examples of its splits.
 *
 * @param pictureDigest the SHA-256 of an example's picture, of its file or of its pixels
 */
export function contentHash(
  name: string,
  splits: Record<string, Example[]>,
  pictureDigest: (example: Example) => string,
): string {
  const hash = createHash("sha256").update(JSON.stringify(name));
  for (const [split, examples] of Object.entries(splits)) {
    hash.update(JSON.stringify([split, examples.length]));
    for (const example of examples) {
      hash.update(
        JSON.stringify([example.id, pictureDigest(example), example.questions]),
      );
    }
  }
  return hash.digest("hex");
}
