/**
 * The checksum that closes a record's file: a digit that changed on a disk is found, not reported.
 */
import { sha256 } from "../data/sha256.ts";

/** Before the checksum of a record. */
const LAST_FIELD = ',\n "sha256": "';

/**
 * A record's JSON with a checksum as its last field.
 *
 * @param text an object with at least one field
 */
export function withChecksum(text: string): string {
  const body = text.trimEnd().slice(0, -1).trimEnd();
  return `${body}${LAST_FIELD}${sha256(body)}"\n}\n`;
}

/** Whether a record is what was written. Older records have no checksum, and are taken as they are. */
export function isIntact(text: string): boolean {
  const at = text.lastIndexOf(LAST_FIELD);
  if (at < 0) return true;
  return text.slice(at + LAST_FIELD.length) === `${sha256(text.slice(0, at))}"\n}\n`;
}
