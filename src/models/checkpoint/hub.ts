/**
 * Fetches a model folder from the Hugging Face hub into the cache. What is there is never fetched
 * again, so the next run needs no network.
 */
import { join } from "node:path";
import { isFolder } from "../../data/if_there.ts";
import { installFolder } from "../../gpu/cache.ts";
import { parseJsonObject } from "./json_file.ts";
import { shardsOf } from "./weights.ts";

/** The hub's address, and where what it gives is kept. */
export interface HubOptions {
  /** Folder of the project's cache. */
  cacheDir: string;
  /** Address of the hub. */
  hub?: string;
  /** Says what is being fetched. */
  say?: (line: string) => void;
}

const HUB = "https://huggingface.co";
const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const NEEDED = ["config.json", "tokenizer.json"];
const OPTIONAL = ["generation_config.json", "tokenizer_config.json"];

/** Whether a text could be a model's name on the hub: `owner/name`. */
export function isHubId(id: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(id);
}

/** The folder of a model of the hub in the cache; it may not exist yet. */
export function hubFolder(id: string, cacheDir: string): string {
  return join(cacheDir, "models", "decoders", ...id.split("/"));
}

/**
 * The folder of a model, fetched if the cache does not have it.
 *
 * @returns the folder's path
 * @throws {Error} If the hub cannot be reached, or does not give the model
 */
export async function fetchModel(id: string, options: HubOptions): Promise<string> {
  const folder = hubFolder(id, options.cacheDir);
  if (await isFolder(folder)) return folder;
  await installFolder(folder, async (dir) => {
    const to = (file: string) => join(dir, file);
    for (const file of NEEDED) await download(id, file, to(file), options);
    for (const file of OPTIONAL) await downloadIfThere(id, file, to(file), options);
    if (await downloadIfThere(id, SINGLE, to(SINGLE), options)) return;
    await download(id, INDEX, to(INDEX), options);
    const index = parseJsonObject(await Deno.readTextFile(to(INDEX)), INDEX);
    for (const shard of shardsOf(index).keys()) await download(id, shard, to(shard), options);
  });
  return folder;
}

/**
 * The text of one small file of a model, kept nowhere.
 *
 * @throws {Error} If the hub cannot be reached, or does not give the file
 */
export async function fetchText(id: string, file: string, options: HubOptions): Promise<string> {
  const response = await request(id, file, options);
  if (!response.ok) await refuse(id, file, response);
  return await response.text();
}

async function download(
  id: string,
  file: string,
  path: string,
  options: HubOptions,
): Promise<void> {
  if (await downloadIfThere(id, file, path, options)) return;
  throw new Error(`Cannot fetch model "${id}": the hub has no file "${file}" of it`);
}

/** Streams a file to disk; false where the hub has none of that name. */
async function downloadIfThere(
  id: string,
  file: string,
  path: string,
  options: HubOptions,
): Promise<boolean> {
  const response = await request(id, file, options);
  if (response.status === 404) {
    await response.body?.cancel();
    return false;
  }
  if (!response.ok) await refuse(id, file, response);
  const bytes = Number(response.headers.get("content-length") ?? NaN);
  const size = bytes > 0 ? ` (${(bytes / 1e6).toFixed(1)} MB)` : "";
  options.say?.(`Fetching ${id}/${file}${size}`);
  try {
    await Deno.writeFile(path, response.body ?? new ReadableStream());
  } catch (cause) {
    throw new Error(`Cannot fetch model "${id}": "${file}" broke off: ${reasonOf(cause)}`, {
      cause,
    });
  }
  return true;
}

async function request(
  id: string,
  file: string,
  { hub = HUB }: HubOptions,
): Promise<Response> {
  try {
    return await fetch(`${hub}/${id}/resolve/main/${file}`);
  } catch (cause) {
    throw new Error(
      `Cannot fetch model "${id}": ${new URL(hub).host} cannot be reached (${reasonOf(cause)})`,
      { cause },
    );
  }
}

async function refuse(id: string, file: string, response: Response): Promise<never> {
  await response.body?.cancel();
  throw new Error(
    `Cannot fetch model "${id}": the hub answered ${response.status} for "${file}"`,
  );
}

const reasonOf = (cause: unknown) => cause instanceof Error ? cause.message : String(cause);
