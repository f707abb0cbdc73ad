/** The language models that a study can name: the embedded one, a folder, or one of the hub. */
import { EMBEDDED, EMBEDDED_DECODER } from "../models/embedded.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import type { Checkpoint } from "../models/llama_weights.ts";
import { loadLlama } from "../models/load_llama.ts";
import type { TextTokenizer } from "../training/prepared_data.ts";

/** Where a language model is loaded from: the embedded one from its folder, any other by its name. */
export function llmSource(name: string): string {
  return name === EMBEDDED ? EMBEDDED_DECODER : name;
}

/** A pre-trained language model. */
export interface Llm {
  config: LlamaConfig;
  tokenizer: TextTokenizer;
  checkpoint: Checkpoint;
  contentHash: string;
}

/**
 * Loads a language model.
 *
 * @param name `embedded`, a folder in Hugging Face's layout, or the name of one on the hub
 * @throws {Error} If there is none, or it is no decoder that can be used; the message says why
 */
export async function loadLlm(name: string, cacheDir: string): Promise<Llm> {
  const { config, tokenizer, eos, bos, checkpoint, contentHash } = await loadLlama(
    llmSource(name),
    { cacheDir },
  );
  const [end] = eos;
  if (end === undefined) {
    throw new RangeError(`Cannot use language model "${name}": it names no end-of-text token`);
  }
  return {
    config,
    checkpoint,
    contentHash,
    tokenizer: {
      vocabularySize: config.vocab_size,
      // A sequence of a model without a begin mark begins with its end mark, as a text behind another.
      bos: bos ?? end,
      eos: end,
      // What stands in empty places is never read.
      pad: tokenizer.pad ?? end,
      encode: tokenizer.encode,
      decode: tokenizer.decode,
    },
  };
}
