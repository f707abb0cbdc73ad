/** What encoders are called. Imports nothing: it is read before a command's permissions are known. */

/** Encoders that the project brings. */
export const OWN_ENCODERS = ["embedded", "patches", "hog"] as const;

/** One of {@linkcode OWN_ENCODERS}. */
export type OwnEncoder = typeof OWN_ENCODERS[number];

/** What the name of an encoder begins with whose features were computed elsewhere: `features:DIR`. */
export const FEATURES = "features:";

/** Everything that names an encoder, for help and errors. */
export const ENCODERS_IN_WORDS = `${OWN_ENCODERS.join(", ")}, a folder with a CLIP checkpoint, ` +
  `${FEATURES}DIR, or an image model of transformers.js by hub name or folder`;

/** Whether the project brings an encoder of this name. */
export function isOwnEncoder(name: string): name is OwnEncoder {
  return (OWN_ENCODERS as readonly string[]).includes(name);
}
