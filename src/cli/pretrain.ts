/** `pretrain`: trains the models that come with the project. */
import { Argument, Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { join } from "node:path";
import { replaceFile } from "../data/replace_file.ts";
import type { Engine } from "../gpu/program.ts";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import { writeClipFolder } from "../pretraining/clip_folder.ts";
import { writeDecoderFolder } from "../pretraining/decoder_folder.ts";
import {
  type LanguageFigures,
  renderModelCard,
  type VisionFigures,
} from "../pretraining/model_card.ts";
import { CLIP_PAIR, DECODER } from "../pretraining/models.ts";
import { LANGUAGE_SETTINGS, pretrainLanguage } from "../pretraining/pretrain_language.ts";
import { pretrainVision, VISION_SETTINGS } from "../pretraining/pretrain_vision.ts";
import { pretrainingTokenizer } from "../pretraining/tokenizer.ts";
import type { AdapterRecord } from "../study/record.ts";
import { openEngine } from "./open_engine.ts";
import { callerPath } from "./paths.ts";
import { createProgress, type Progress } from "./progress.ts";

/** Exit code of a program that SIGINT ended. */
const INTERRUPTED = 130;

/** What a part of the pre-training works with. */
interface Work {
  engine: Engine;
  adapter: AdapterRecord;
  out: string;
  steps?: number;
  progress: Progress;
  signal: AbortSignal;
}

/** The parts, by the name that the command line takes. */
const PARTS: Record<string, (work: Work) => Promise<void>> = { language, vision };

/** The command. */
export function pretrainCommand() {
  return new Command("pretrain")
    .summary("train the embedded models")
    .description(
      "Trains the embedded decoder and the embedded pair of towers, and writes them with their model card. " +
        "A stopped training goes on where it stopped.",
    )
    .addArgument(
      new Argument("[part]", "what is trained; both when absent").choices(Object.keys(PARTS)),
    )
    .option("--out <dir>", "folder of the models (default: runs/pretrained)")
    .option("--steps <n>", "optimiser steps, in place of the committed models'", positiveInteger)
    .option(
      "--adapter <name>",
      "system, lavapipe, swiftshader, or part of an adapter's description",
    )
    .action(async (part, { out: asked, steps, adapter: name }) => {
      const out = callerPath(asked ?? join("runs", "pretrained"));
      await Deno.mkdir(out, { recursive: true });
      const progress = createProgress();
      const abort = new AbortController();
      const interrupt = () => {
        if (abort.signal.aborted) Deno.exit(INTERRUPTED);
        progress.say("Stopping at the next checkpoint. Once more stops at once.");
        abort.abort();
      };
      Deno.addSignalListener("SIGINT", interrupt);
      try {
        const { engine, record: adapter } = await openEngine(name, progress.say);
        const work: Work = { engine, adapter, out, steps, progress, signal: abort.signal };
        for (const train of part ? [PARTS[part]] : Object.values(PARTS)) await train(work);
        await writeModelCard(out);
        progress.say(`Models and model card: ${out}`);
      } catch (error) {
        if (!abort.signal.aborted || (error as Error).name !== "AbortError") throw error;
        progress.say("Stopped; the same command goes on from the last checkpoint");
        Deno.exitCode = INTERRUPTED;
      } finally {
        progress.stop();
        Deno.removeSignalListener("SIGINT", interrupt);
      }
    });
}

async function language({ engine, adapter, out, steps, progress, signal }: Work): Promise<void> {
  const settings = { ...LANGUAGE_SETTINGS, ...(steps && { steps }) };
  const tokenizer = pretrainingTokenizer();
  const { config, weights, curve, accuracy, seconds } = await pretrainLanguage(
    engine,
    DECODER,
    tokenizer,
    settings,
    {
      folder: out,
      signal,
      onPoint: ({ step, scenes }) =>
        progress.task(`Training the decoder, loss ${scenes.toFixed(3)}`, step, settings.steps),
    },
  );
  await writeDecoderFolder(join(out, "decoder"), config, weights, tokenizer);
  const parameters = weights.values().reduce((sum, { data }) => sum + data.length, 0);
  const figures: LanguageFigures = {
    ...{ settings, config, parameters, adapter, seconds, accuracy, curve },
  };
  await writeJson(join(out, "language.json"), figures);
}

async function vision({ engine, adapter, out, steps, progress, signal }: Work): Promise<void> {
  const settings = { ...VISION_SETTINGS, ...(steps && { steps }) };
  const tokenizer = pretrainingTokenizer();
  const { config, weights, curve, figures, seconds } = await pretrainVision(
    engine,
    CLIP_PAIR,
    tokenizer,
    settings,
    {
      folder: out,
      signal,
      onPoint: ({ step, loss }) =>
        progress.task(`Training the towers, loss ${loss.toFixed(3)}`, step, settings.steps),
    },
  );
  const folder = join(out, "clip");
  await writeClipFolder(folder, config, weights, tokenizer);
  const files = tokenizerFiles(tokenizer);
  await writeJson(join(folder, "tokenizer.json"), files.tokenizer);
  await writeJson(join(folder, "tokenizer_config.json"), files.config);
  const parameters = weights.values().reduce((sum, { data }) => sum + data.length, 0);
  const all: VisionFigures = {
    ...{ settings, config, parameters, adapter, seconds, figures, curve },
  };
  await writeJson(join(out, "vision.json"), all);
}

/** Writes the card of what a folder holds figures of. */
async function writeModelCard(out: string): Promise<void> {
  const card = renderModelCard({
    vision: await readJson<VisionFigures>(join(out, "vision.json")),
    language: await readJson<LanguageFigures>(join(out, "language.json")),
  });
  await Deno.mkdir(join(out, "curves"), { recursive: true });
  for (const [name, svg] of Object.entries(card.curves)) {
    await replaceFile(join(out, "curves", name), svg);
  }
  await replaceFile(join(out, "README.md"), card.markdown);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await replaceFile(path, JSON.stringify(value, null, 1) + "\n");
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1 || text.trim() === "") {
    throw new InvalidArgumentError(
      `Number of steps must be a whole number from 1 up, got "${text}"`,
    );
  }
  return value;
}
