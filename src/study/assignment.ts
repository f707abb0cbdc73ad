/** `--set PATH=VALUE`. Imports nothing: it is read before a command's permissions are known. */

/** A field of a study and what it is set to. */
export interface Assignment {
  /** As it was written, such as `training.batch`. */
  path: string;
  /** The value as JSON, or as text where it is no JSON. */
  value: unknown;
}

/** Reads an assignment; null where it is none. */
export function parseAssignment(text: string): Assignment | null {
  const [, path, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined) return null;
  try {
    return { path, value: JSON.parse(value) };
  } catch {
    return { path, value };
  }
}
