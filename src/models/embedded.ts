/** The models that come with the project: their name, and the folders that they lie in. */
import { fileURLToPath } from "node:url";

/** Name by which studies and the command line ask for them. */
export const EMBEDDED = "embedded";

const folder = (name: string) => fileURLToPath(new URL(`./weights/${name}/`, import.meta.url));

/** A CLIP-style pair in Hugging Face's layout. */
export const EMBEDDED_TOWER = folder("clip");

/** A Llama-architecture decoder in Hugging Face's layout. */
export const EMBEDDED_DECODER = folder("decoder");
