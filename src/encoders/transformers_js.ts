/**
 * Encoders of `@huggingface/transformers`: any image model, by its hub name or from a local folder.
 *
 * The library weighs 500 MB, and Deno fetches everything that the project's lock file names. So it stands in a lock
 * file of its own, `transformers_js.lock`, and runs in a child process started with that lock: who does not ask for
 * such an encoder never fetches it, who does gets the files whose hashes are locked.
 */
import { createHash } from "node:crypto";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Image } from "../data/dataset.ts";
import { denoFlags } from "../data/deno_flags.ts";
import { HUB_HOSTS } from "../data/hub_hosts.ts";
import { isFolder } from "../data/if_there.ts";
import type { PictureEncoder } from "./encoder.ts";
import { type Message, messageReader, messageWriter } from "./messages.ts";
import { poolTokens, toTokens } from "./token_grid.ts";

/** The locked library. A constant of type string, so that no tool takes it for an import and fetches it. */
export const TRANSFORMERS_JS: string = "npm:@huggingface/transformers@4.3.1";

/** Names a mirror of the hub, as for Hugging Face's own tools. */
export const MIRROR = "HF_ENDPOINT";

/** What the child process is asked. */
export type Request =
  | { kind: "load"; model: string; localModels: string | null; cacheDir: string }
  /** Pictures of [width, height]; the payload is their RGB bytes, one after the other. */
  | { kind: "encode"; sizes: [number, number][] };

/** What it answers. The payload of `encoded` is float32. */
export type Answer =
  | { kind: "loaded" }
  | { kind: "encoded"; output: string; dims: number[] }
  | { kind: "failed"; reason: string };

/** Settings of {@link transformersEncoder}. */
export interface TransformersOptions {
  /** Side of the grid that the image tokens are averaged down to; as the model gives them when absent. */
  pool?: number;
  /** Folder in which models of the hub are kept. */
  cacheDir: string;
}

/** The files of a model folder that decide its float32 features. */
const MODEL_FILES =
  /^(config|preprocessor_config)\.json$|^onnx[/\\](vision_)?model\.onnx(_data.*)?$/;

/**
 * Loads an image model of transformers.js in a child process; `close` ends it. Pictures are preprocessed as the model's
 * own `preprocessor_config.json` says, in float32 on the CPU.
 *
 * @param nameOrDir hub name such as `Xenova/clip-vit-base-patch32`, or a folder with `config.json` and `onnx/`
 * @throws when the model cannot be loaded, is no image model, or its tokens cannot be pooled so
 */
export async function transformersEncoder(
  nameOrDir: string,
  { pool, cacheDir }: TransformersOptions,
): Promise<PictureEncoder & { close(): Promise<void> }> {
  const local = await isFolder(nameOrDir);
  const hub = resolve(cacheDir, "models");
  const folder = local ? resolve(nameOrDir) : join(hub, nameOrDir);
  const model = local ? basename(folder) : nameOrDir;
  const child = startChild(childPermissions(local ? null : hub, Deno.env.get(MIRROR)));
  try {
    await child.ask({
      kind: "load",
      model,
      localModels: local ? dirname(folder) : null,
      cacheDir: hub,
    });
    // What the model makes of one plain picture tells the number and width of its tokens.
    const probe = await encodeBatch([{ width: 32, height: 32, data: new Uint8Array(32 * 32 * 3) }]);
    const { tokens, width, output } = probe;
    const pooled = pool === undefined ? "" : `, tokens averaged to ${pool} x ${pool}`;
    return {
      name: model,
      description: `${model}, ${output} (${
        TRANSFORMERS_JS.slice("npm:".length)
      }, float32)${pooled}`,
      tokens,
      width,
      contentHash: await modelHash(folder, [TRANSFORMERS_JS, output, pool ?? null]),
      encode: async (images) => (await encodeBatch(images)).data,
      close: child.close,
    };
  } catch (error) {
    await child.close();
    const reason = error instanceof Error ? error.message : String(error);
    // A mistyped folder looks like a hub name.
    const where = local ? "" : "no such folder, and from the hub: ";
    throw new Error(`Cannot load encoder "${nameOrDir}": ${where}${reason}`, { cause: error });
  }

  async function encodeBatch(images: Image[]) {
    const payload = new Uint8Array(images.reduce((sum, { data }) => sum + data.length, 0));
    let at = 0;
    for (const { data } of images) {
      payload.set(data, at);
      at += data.length;
    }
    const { header, payload: bytes } = await child.ask(
      { kind: "encode", sizes: images.map(({ width, height }) => [width, height]) },
      payload,
    );
    if (header.kind !== "encoded") throw new Error(`transformers.js answered "${header.kind}"`);
    const tokens = toTokens(new Float32Array(bytes.buffer), header.dims);
    return { ...(pool === undefined ? tokens : poolTokens(tokens, pool)), output: header.output };
  }
}

/**
 * Options of Deno that say what the child may touch. It writes and reaches the network only for a model
 * of the hub.
 *
 * @param hub Folder of the hub's models; null for a model that is at hand
 * @param mirror Address of another hub
 * @throws {TypeError} when it is no address
 */
export function childPermissions(hub: string | null, mirror?: string): string[] {
  return denoFlags({
    // The library, its native runtime included, lies in Deno's cache, wherever that is.
    ...{ read: true, ffi: true, env: true, sys: true, run: [] },
    ...(hub === null ? { write: [], net: [] } : { write: [hub], net: hubHosts(mirror) }),
  });
}

function hubHosts(mirror: string | undefined): readonly string[] {
  if (!mirror) return HUB_HOSTS;
  if (URL.canParse(mirror)) return [new URL(mirror).host];
  throw new TypeError(`Cannot load models of the hub: ${MIRROR} "${mirror}" is no address`);
}

/** The child process, as a function that asks it one thing after the other. */
function startChild(permissions: string[]) {
  const beside = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const lock = `--lock=${beside("./transformers_js.lock")}`;
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-config",
      "--node-modules-dir=none",
      lock,
      "--frozen",
      ...permissions,
      beside("./transformers_js_child.ts"),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  // Only while it is asked something does the child keep the program alive; it ends when its input does.
  process.unref();
  const read = messageReader<Answer>(process.stdout);
  const write = messageWriter<Request>(process.stdin);
  let previous: Promise<unknown> = Promise.resolve();

  async function exchange(
    header: Request,
    payload: Uint8Array<ArrayBuffer>,
  ): Promise<Message<Answer>> {
    process.ref();
    try {
      // A child that has ended cannot be written to; that it ended is then the reason to give.
      await write({ header, payload }).catch(() => {});
      const answer = await read();
      if (answer === null) {
        throw new Error(`transformers.js ended with code ${(await process.status).code}`);
      }
      if (answer.header.kind === "failed") throw new Error(answer.header.reason);
      return answer;
    } finally {
      process.unref();
    }
  }

  return {
    ask(
      header: Request,
      payload: Uint8Array<ArrayBuffer> = new Uint8Array(),
    ): Promise<Message<Answer>> {
      const answer = previous.then(() => exchange(header, payload));
      previous = answer.catch(() => {});
      return answer;
    },
    async close() {
      await previous;
      process.ref();
      try {
        process.kill();
      } catch {
        // It has ended by itself.
      }
      await process.status;
    },
  };
}

/** SHA-256 (hex) over the settings and the files that decide a model's features. */
async function modelHash(folder: string, settings: unknown[]): Promise<string> {
  const files: string[] = [];
  for await (const file of walk(folder)) {
    const name = relative(folder, file);
    if (MODEL_FILES.test(name)) files.push(name);
  }
  const hash = createHash("sha256").update(JSON.stringify(settings));
  for (const name of files.sort()) {
    const file = await Deno.open(join(folder, name));
    hash.update(JSON.stringify([name.replaceAll("\\", "/"), (await file.stat()).size]));
    for await (const chunk of file.readable) hash.update(chunk);
  }
  return hash.digest("hex");
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* walk(join(folder, name));
    else yield join(folder, name);
  }
}
