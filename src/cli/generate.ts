/** `generate`: greedy text of a Llama-family model. */
import { Command } from "@commander-js/extra-typings";
import { cacheDir } from "../gpu/cache.ts";
import { type DecoderSize, decoderSize } from "../models/checkpoint/size.ts";
import { freeDecoder, uploadDecoder } from "../models/decoder_weights.ts";
import { checkGeneration, generate } from "../models/generate.ts";
import { type OpenLlama, openLlama, readSettings } from "../models/load_llama.ts";
import { llmSource } from "../study/llm.ts";
import { megabytes } from "./format.ts";
import { numberThat } from "./numbers.ts";
import { openEngine } from "./open_engine.ts";
import { orInvalid } from "./or_invalid.ts";
import { callerDir } from "./paths.ts";

/** New tokens where nothing else is asked for, as far as the model's context allows. */
const MAX_TOKENS = 100;

/** The command. */
export function generateCommand() {
  return new Command("generate")
    .description("Continue a text with a Llama-family model, the likeliest token at every step")
    .requiredOption(
      "--llm <dir|id>",
      "embedded, a folder in Hugging Face's layout, or a model of its hub as owner/name",
    )
    .option("--prompt <text>", "the text that is continued; a new one when absent", "")
    .option("--max-tokens <n>", `most new tokens (default: ${MAX_TOKENS})`, wholeNumber)
    .option(
      "--adapter <name>",
      "system, lavapipe, swiftshader, or part of an adapter's description",
    )
    .option("--dry-run", "say what the model takes, from its config.json alone, and stop")
    .option("--json", "print prompt ids, new ids, text and the first step's best logits as JSON")
    .action(async ({ llm: name, prompt, maxTokens, adapter, dryRun, json }) => {
      const llm = llmSource(name);
      const options = { cacheDir: cacheDir(), from: callerDir(), say: console.error };
      if (dryRun) {
        const { config, context } = await readSettings(llm, options);
        const size = decoderSize(config, context);
        return console.log(json ? JSON.stringify(size) : describeSize(size));
      }
      const model = await openLlama(llm, options);
      const { config, context, eos, tokenizer } = model;
      const promptIds = idsOf(model, prompt);
      const most = maxTokens ?? Math.max(0, Math.min(MAX_TOKENS, context - promptIds.length));
      const asked = { prompt: promptIds, maxTokens: most, eos, context };
      checkGeneration(config, asked);
      const { engine } = await openEngine(adapter, console.error);
      const weights = uploadDecoder(engine, config, model.checkpoint);
      const { tokens, top5 } = await generate(engine, config, weights, asked);
      freeDecoder(engine, weights);
      const text = tokenizer.decode([...promptIds, ...tokens]);
      console.log(json ? JSON.stringify({ promptIds, tokens, text, top5 }) : text);
    });
}

/**
 * The ids of a prompt; an empty one is the token that begins a text.
 *
 * @throws {RangeError} If the prompt is empty and the model names no such token
 */
function idsOf({ tokenizer, bos }: OpenLlama, prompt: string): number[] {
  if (prompt !== "") return tokenizer.encodePrompt(prompt);
  const begin = bos ?? tokenizer.bos;
  if (begin === null) {
    throw new RangeError('Cannot begin a text: the model names no "bos_token_id", give a prompt');
  }
  return [begin];
}

function describeSize({ parameters, weightBytes, context, cacheBytes }: DecoderSize): string {
  const number = (value: number) => value.toLocaleString("en");
  return [
    `Parameters: ${number(parameters)}`,
    `Weights on the device: ${megabytes(weightBytes, 1)}, float32`,
    `Keys and values of ${number(context)} tokens: ${megabytes(cacheBytes, 1)}, float32`,
  ].join("\n");
}

const wholeNumber = orInvalid(
  numberThat("It", (value) => Number.isInteger(value) && value >= 0, "a whole number"),
);
