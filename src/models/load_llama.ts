/** Loads a Llama-family model in Hugging Face's layout, from a folder or the hub. */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { type HfTokenizer, hfTokenizer } from "../data/hf_tokenizer.ts";
import { namingFile } from "../data/naming_file.ts";
import { type DecoderSettings, type JsonObject, readDecoderSettings } from "./checkpoint/config.ts";
import { fetchModel, fetchText, hubFolder, type HubOptions, isHubId } from "./checkpoint/hub.ts";
import { parseJsonObject, readJson } from "./checkpoint/json_file.ts";
import { openWeights } from "./checkpoint/weights.ts";
import type { Checkpoint } from "./llama_weights.ts";

/** A decoder without a tokenizer. */
export interface OpenDecoder extends DecoderSettings {
  /** Reads a weight from its file when it is asked for. */
  checkpoint: Checkpoint;
  /** Names of the files that the decoder is made of. */
  files: string[];
}

/** A model that can be given text. */
export interface OpenLlama extends OpenDecoder {
  /** The folder that it lies in. */
  folder: string;
  /** What the decoder chooses without there being a token for it, leaves no text. */
  tokenizer: HfTokenizer;
}

/** A model and what tells it from others. */
export interface LoadedLlama extends OpenLlama {
  /** SHA-256 (hex) over names and bytes of configuration, tokenizer and weights. */
  contentHash: string;
}

/** Options of {@linkcode openLlama}. */
export interface LoadOptions extends HubOptions {
  /** Folder that relative paths start from; the current one when absent. */
  from?: string;
}

/**
 * Opens a model and hashes its files, which reads them all once.
 *
 * @throws as {@linkcode openLlama} does
 */
export async function loadLlama(dirOrId: string, options: LoadOptions): Promise<LoadedLlama> {
  const model = await openLlama(dirOrId, options);
  return { ...model, contentHash: await hashFiles(model.folder, model.files) };
}

/**
 * Opens a model. Headers are checked at once, weights are read when they are asked for.
 *
 * @param dirOrId a folder, or a model of the hub, `owner/name`, which is fetched into the cache
 * @throws {Error} If a file is missing, damaged, or describes what this decoder is not; the message
 * says which file, tensor or field
 */
export async function openLlama(dirOrId: string, options: LoadOptions): Promise<OpenLlama> {
  const folder = await localFolder(dirOrId, options) ??
    await fromHub(dirOrId, () => fetchModel(dirOrId, options));
  const decoder = await openDecoder(folder);
  const json = await readJson(join(folder, TOKENIZER));
  if (!json) {
    throw new Deno.errors.NotFound(`Cannot load model: "${TOKENIZER}" is not in "${folder}"`);
  }
  const config = await readJson(join(folder, TOKENIZER_CONFIG));
  const tokenizer = await namingFile(
    join(folder, TOKENIZER),
    () => hfTokenizer(json, config ?? {}),
  );
  const { vocab_size: vocabulary } = decoder.config;
  if (tokenizer.vocabularySize > vocabulary) {
    throw new RangeError(
      `Cannot load model: its tokenizer has ${tokenizer.vocabularySize} tokens, its decoder ${vocabulary}`,
    );
  }
  const files = [...decoder.files, TOKENIZER, ...(config ? [TOKENIZER_CONFIG] : [])].sort();
  return { ...decoder, files, folder, tokenizer: forRows(tokenizer, vocabulary) };
}

/**
 * The tokenizer of a decoder with so many rows. Those without a token, as in an embedding that is
 * padded to a round number, are left out of a text, as the Rust library leaves them out.
 */
function forRows(tokenizer: HfTokenizer, rows: number): HfTokenizer {
  const isRow = (id: number) => id >= 0 && id < rows;
  return {
    ...tokenizer,
    decode: (ids) => tokenizer.decode([...ids].filter((id) => !isRow(id) || tokenizer.has(id))),
  };
}

const CONFIG = "config.json";
const GENERATION = "generation_config.json";
const TOKENIZER = "tokenizer.json";
const TOKENIZER_CONFIG = "tokenizer_config.json";

/**
 * Opens the decoder of a model folder, which needs no tokenizer.
 *
 * @throws as {@linkcode openLlama} does
 */
export async function openDecoder(folder: string): Promise<OpenDecoder> {
  const config = await readJson(join(folder, CONFIG));
  if (!config) {
    throw new Deno.errors.NotFound(`Cannot load model: "${CONFIG}" is not in "${folder}"`);
  }
  const generation = await readJson(join(folder, GENERATION));
  const settings = await namingFile(
    join(folder, CONFIG),
    () => readDecoderSettings(config, generation ?? {}),
  );
  const { checkpoint, files } = await openWeights(folder, settings.config);
  return {
    ...settings,
    checkpoint,
    files: [CONFIG, ...(generation ? [GENERATION] : []), ...files],
  };
}

/**
 * The settings of a model's decoder from its `config.json` alone: neither weights nor tokenizer are
 * needed. Of a model of the hub that the cache does not have, this one file is fetched and not kept.
 *
 * @throws as {@linkcode openLlama} does
 */
export async function readSettings(
  dirOrId: string,
  options: LoadOptions,
): Promise<DecoderSettings> {
  const folder = await localFolder(dirOrId, options) ??
    await existing(hubFolder(dirOrId, options.cacheDir));
  let config: JsonObject | null;
  if (folder) config = await readJson(join(folder, CONFIG));
  else {
    const text = await fromHub(dirOrId, () => fetchText(dirOrId, CONFIG, options));
    config = parseJsonObject(text, CONFIG);
  }
  if (!config) {
    throw new Deno.errors.NotFound(`Cannot load model: "${CONFIG}" is not in "${folder}"`);
  }
  const described = config;
  return await namingFile(
    join(folder ?? dirOrId, CONFIG),
    () => readDecoderSettings(described),
  );
}

/**
 * The folder that is meant, or null where a model of the hub is.
 *
 * @throws {Deno.errors.NotFound} If it is neither
 */
async function localFolder(dirOrId: string, { from }: LoadOptions): Promise<string | null> {
  const folder = await existing(resolve(from ?? Deno.cwd(), dirOrId));
  if (folder) return folder;
  if (isHubId(dirOrId)) return null;
  throw new Deno.errors.NotFound(`Cannot load model "${dirOrId}": there is no such folder`);
}

/** A mistyped folder looks like a model of the hub. */
async function fromHub<T>(id: string, fetch: () => Promise<T>): Promise<T> {
  try {
    return await fetch();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${reason}; nor is there a folder "${id}"`, { cause });
  }
}

const existing = (path: string): Promise<string | null> =>
  Deno.stat(path).then(({ isDirectory }) => isDirectory ? path : null, () => null);

async function hashFiles(folder: string, names: string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const name of names) {
    const path = join(folder, name);
    hash.update(JSON.stringify([name, (await Deno.stat(path)).size]));
    for await (const bytes of (await Deno.open(path)).readable) hash.update(bytes);
  }
  return hash.digest("hex");
}
