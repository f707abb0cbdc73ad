/**
 * The child process that runs an image model of transformers.js (see `transformers_js.ts`, which starts it).
 *
 * It answers each message on standard input with one on standard output, until the input ends.
 */
import { type Message, messageReader, messageWriter } from "./messages.ts";
import { type Answer, MIRROR, type Request, TRANSFORMERS_JS } from "./transformers_js.ts";

/** What is used of the library; it is too large to fetch its types for every check of the program. */
interface TransformersJs {
  env: {
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    useBrowserCache: boolean;
    cacheDir: string;
    remoteHost: string;
  };
  AutoModel: Loader<Model>;
  AutoModelForImageFeatureExtraction: Loader<Model>;
  AutoImageProcessor: Loader<(images: unknown[]) => Promise<Record<string, unknown>>>;
  RawImage: new (data: Uint8Array, width: number, height: number, channels: number) => unknown;
}
interface Loader<T> {
  from_pretrained(name: string, options?: Record<string, unknown>): Promise<T>;
}
type Model = (inputs: Record<string, unknown>) => Promise<Record<string, Tensor>>;
interface Tensor {
  dims: number[];
  type: string;
  data: Float32Array<ArrayBuffer>;
}

/** Outputs that hold image tokens, the first that a model has. */
const OUTPUTS = ["last_hidden_state", "image_embeds", "pooler_output"];

// Standard output carries messages only; what the library prints goes to standard error.
console.log = console.info = console.error;
const read = messageReader<Request>(Deno.stdin.readable);
const write = messageWriter<Answer>(Deno.stdout.writable);
let encode: (message: Message<Request>) => Promise<Message<Answer>>;
for (let message = await read(); message !== null; message = await read()) {
  try {
    if (message.header.kind === "load") {
      encode = await load(message.header);
      await write({ header: { kind: "loaded" }, payload: new Uint8Array() });
    } else {
      await write(await encode!(message));
    }
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split("\n")[0];
    await write({ header: { kind: "failed", reason }, payload: new Uint8Array() });
  }
}
Deno.exit(0);

async function load({ model: name, localModels, cacheDir }: Extract<Request, { kind: "load" }>) {
  const library: TransformersJs = await import(TRANSFORMERS_JS);
  const { env, AutoModel, AutoModelForImageFeatureExtraction, AutoImageProcessor, RawImage } =
    library;
  env.allowRemoteModels = localModels === null;
  env.allowLocalModels = localModels !== null;
  if (localModels !== null) env.localModelPath = localModels;
  env.cacheDir = cacheDir;
  // Deno has a browser's cache too; the folder is preferred, whose files can be hashed.
  env.useBrowserCache = false;
  const mirror = Deno.env.get(MIRROR);
  if (mirror) env.remoteHost = mirror.replace(/\/*$/, "/");
  // The image half of two-tower models such as CLIP; other image models are loaded as they are.
  const model = await AutoModelForImageFeatureExtraction.from_pretrained(name, { dtype: "fp32" })
    .catch((error) => {
      if (!String(error).includes("Unsupported model type")) throw error;
      return AutoModel.from_pretrained(name, { dtype: "fp32" });
    });
  const processor = await AutoImageProcessor.from_pretrained(name);
  return async ({ header, payload }: Message<Request>): Promise<Message<Answer>> => {
    if (header.kind !== "encode") throw new TypeError(`Cannot answer message "${header.kind}"`);
    let at = 0;
    const images = header.sizes.map(([width, height]) =>
      new RawImage(payload.slice(at, at += width * height * 3), width, height, 3)
    );
    const outputs = await model(await processor(images));
    const output = OUTPUTS.find((name) => outputs[name]?.type === "float32");
    if (output === undefined) {
      throw new Error(`its outputs are ${Object.keys(outputs).join(", ")}, no image tokens`);
    }
    const { dims, data } = outputs[output];
    return {
      header: { kind: "encoded", output, dims },
      payload: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    };
  };
}
