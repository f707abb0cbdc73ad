/** `pretrain`: trains the models that come with the project. */
import { Argument, Command } from "@commander-js/extra-typings";
import { join } from "node:path";
import { ifThere } from "../data/if_there.ts";
import { replaceFile } from "../data/replace_file.ts";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import type { AdapterRecord } from "../gpu/adapter_info.ts";
import type { Engine } from "../gpu/engine.ts";
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
import {
  languageTrajectory,
  type Trajectories,
  visionTrajectory,
} from "../pretraining/trajectories.ts";
import { withInterrupt } from "./interrupt.ts";
import { positiveInteger } from "./numbers.ts";
import { openEngine } from "./open_engine.ts";
import { orInvalid } from "./or_invalid.ts";
import { callerPath } from "./paths.ts";
import { createProgress, type Progress } from "./progress.ts";

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
const PARTS: Record<string, (work: Work) => Promise<void>> = { language, vision, trajectories };

/** The command. */
export function pretrainCommand() {
  return new Command("pretrain")
    .summary("train the embedded models")
    .description(
      "Trains the embedded decoder and the embedded pair of towers, and writes them with their model card. " +
        "A stopped training goes on where it stopped.",
    )
    .addArgument(
      new Argument("[part]", "what is trained, or the first steps of both; all when absent")
        .choices(Object.keys(PARTS)),
    )
    .option("--out <dir>", "folder of the models (default: runs/pretrained)")
    .option(
      "--steps <n>",
      "optimiser steps, in place of the embedded models'",
      orInvalid(positiveInteger("steps")),
    )
    .option(
      "--adapter <name>",
      "system, lavapipe, swiftshader, or part of an adapter's description",
    )
    .action(async (part, { out: asked, steps, adapter: name }) => {
      const out = callerPath(asked ?? join("runs", "pretrained"));
      await Deno.mkdir(out, { recursive: true });
      const progress = createProgress();
      await withInterrupt(progress, {
        stopping: "Stopping at the next checkpoint. Once more stops at once.",
        stopped: "Stopped; the same command goes on from the last checkpoint",
      }, async (signal) => {
        const { engine, record: adapter } = await openEngine(name, progress.say);
        const work: Work = { engine, adapter, out, steps, progress, signal };
        for (const train of part ? [PARTS[part]] : Object.values(PARTS)) await train(work);
        await writeModelCard(out);
        progress.say(`Models and model card: ${out}`);
      });
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

/** Leaves what a test compares the first steps with. */
async function trajectories({ engine, out }: Work): Promise<void> {
  const all: Trajectories = {
    language: await languageTrajectory(engine),
    vision: await visionTrajectory(engine),
  };
  await writeJson(join(out, "trajectories.json"), all);
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
  const text = await ifThere(Deno.readTextFile(path));
  return text === null ? undefined : JSON.parse(text);
}
