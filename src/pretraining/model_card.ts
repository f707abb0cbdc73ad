/** The model card of the embedded models: a pure function of the figures that their training left. */
import type { AdapterRecord } from "../gpu/adapter_info.ts";
import type { ClipConfig } from "../models/clip_config.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import { type ChartSeries, lineChart } from "../report/line_chart.ts";
import { count, duration, fixed } from "../report/number_format.ts";
import { table } from "../report/table.ts";
import { GRID } from "./description.ts";
import type { TowerFigures } from "./evaluate_towers.ts";
import type { LanguageAccuracy, LanguagePoint, LanguageSettings } from "./pretrain_language.ts";
import type { VisionPoint, VisionSettings } from "./pretrain_vision.ts";

/** What every training says about itself. */
interface TrainingFigures<Settings, Config, Point> {
  settings: Settings;
  config: Config;
  /** Numbers in the model. */
  parameters: number;
  adapter: AdapterRecord;
  /** Wall time of all sittings. */
  seconds: number;
  curve: Point[];
}

/** `language.json`. */
export interface LanguageFigures
  extends TrainingFigures<LanguageSettings, LlamaConfig, LanguagePoint> {
  accuracy: LanguageAccuracy;
}

/** `vision.json`. */
export interface VisionFigures extends TrainingFigures<VisionSettings, ClipConfig, VisionPoint> {
  figures: TowerFigures;
}

/** The card and its curves. */
export interface ModelCard {
  markdown: string;
  /** SVG text by file name. */
  curves: Record<string, string>;
}

/** The card of what has been trained; a part that has not is left out. */
export function renderModelCard(
  { vision, language }: { vision?: VisionFigures; language?: LanguageFigures },
): ModelCard {
  const curves: Record<string, string> = {};
  if (language) curves["language_loss.svg"] = languageCurve(language);
  if (vision) {
    curves["vision_loss.svg"] = visionLoss(vision);
    curves["vision_accuracy.svg"] = visionAccuracy(vision);
  }
  const parts = [
    introduction([
      ...(vision ? ["vision"] as const : []),
      ...(language ? ["language"] as const : []),
    ]),
    ...(vision ? [visionCard(vision)] : []),
    ...(language ? [languageCard(language)] : []),
    REPRODUCTION,
  ];
  return { markdown: parts.map((part) => part.trim()).join("\n\n") + "\n", curves };
}

/** What each part is and serves, under its folder's name. */
const PARTS = {
  vision:
    "- `clip/`: a CLIP-style pair of towers. Studies use the vision tower as the frozen image encoder; " +
    "the text tower serves the contrastive training and its tests only.",
  language: "- `decoder/`: a Llama-architecture decoder, which studies use as the language model.",
};

function introduction(parts: readonly (keyof typeof PARTS)[]): string {
  return `
# Embedded models

Models with the name \`embedded\`, trained by this project's own engine on data that are drawn on the
spot, and stored in Hugging Face layout with half-precision weights:

${parts.map((part) => PARTS[part]).join("\n")}

The world is one of flat shapes on a plain ground: seven shapes, twelve colours, any sizes and
places, up to eight objects (src/pretraining/scene.ts). It contains the worlds of Sort-of-CLEVR and
easy-shapes, of which no test picture is ever drawn in training: none of seed 0 at the sizes that
these data sets have by themselves. The models know nothing else: no photographs, and no language but
descriptions of such scenes and questions about them.
`;
}

const REPRODUCTION = `
## How to reproduce them

\`\`\`sh
deno task pretrain --out DIR
\`\`\`

writes the folders, this card, and the figures behind it (\`language.json\`, \`vision.json\`);
\`deno task pretrain language\` trains the decoder alone, \`vision\` the towers. A stopped
training goes on where it stopped. The same adapter, driver and operand form give the same bytes;
others add in another order and give models that differ in the last digits at first and in all later
on. A test trains each for a few steps and compares the losses with committed ones
(\`trajectories.json\`).
`;

const percent = (share: number) => fixed(100 * share, 1);

function facts(rows: [string, string][]): string {
  return table([
    { header: "What", cell: ([name]: [string, string]) => name },
    { header: "Here", cell: ([, value]) => value },
  ], rows);
}

function trained(
  { parameters, seconds, adapter, settings }: TrainingFigures<
    { steps: number; seed: number; learningRate: number },
    unknown,
    unknown
  >,
): [string, string][] {
  return [
    ["Parameters", count(parameters)],
    ["Steps", count(settings.steps)],
    ["Learning rate", `${settings.learningRate}, warm-up, constant, linear decay (AdamW)`],
    ["Seed", String(settings.seed)],
    ["Adapter", `${adapter.description}; ${adapter.driver}`],
    ["Wall time", duration(seconds)],
  ];
}

function languageCard(language: LanguageFigures): string {
  const { config, settings, accuracy } = language;
  const types = Object.keys(accuracy.text);
  return [
    "## decoder",
    `It reads scenes in two forms, each in front of questions about it, and never sees a picture. One is ` +
    `text: "there is a small red circle at x3 y5. ...". The other is ${
      1 + GRID ** 2
    } phrase tokens, each the sum of a phrase's word embeddings, in the places ` +
    `where image tokens will stand (src/pretraining/description.ts). The curriculum begins with two objects ` +
    `and ends with six. Behind its description, a text says everything again in other words, which is to ` +
    `be predicted as the answers are.`,
    facts([
      [
        "Shape",
        `${config.num_hidden_layers} layers, hidden size ${config.hidden_size}, ` +
        `${config.num_attention_heads} heads, MLP ${config.intermediate_size}, vocabulary ${config.vocab_size}`,
      ],
      ...trained(language),
      [
        "A step",
        `${settings.texts.batch} scenes as text of ${settings.texts.length} tokens with ` +
        `${settings.texts.questions} questions each, ${settings.scenes.batch} as phrase tokens with ` +
        `${settings.scenes.questions}`,
      ],
    ]),
    "![Loss of the decoder](curves/language_loss.svg)\n",
    `Accuracy of greedy answers, in percent, on ${
      count(accuracy.questions)
    } held-out questions of ` +
    "each type about scenes of six objects:\n",
    table([
      { header: "Question type", cell: (type: string) => type },
      {
        header: "Scene as text",
        align: "right",
        cell: (type) => percent(accuracy.text[type]),
      },
      {
        header: "Scene as phrase tokens",
        align: "right",
        cell: (type) => percent(accuracy.phrases[type]),
      },
    ], types),
  ].join("\n\n").replace(/\n{3,}/g, "\n\n");
}

function visionCard(vision: VisionFigures): string {
  const { config: { vision_config: tower, text_config: text }, settings, figures } = vision;
  const { retrieval, siblings, zeroShot, probe } = figures;
  return [
    "## clip",
    `Each picture of a batch is to find its caption among all of the batch, and each caption its picture ` +
    `(arXiv 2103.00020). First pictures show single objects, and the captions of a batch tell the same of ` +
    `each. From step ${
      count(settings.text.from)
    } on there are more objects, and such batches alternate with two other kinds: ${settings.batch} scenes that are one ` +
    `scene but for one attribute of all objects, each caption telling it of all; and captions of all kinds, ` +
    `among them ${settings.siblingGroups} groups of four pictures that differ in one attribute of one ` +
    `object. The text tower keeps its random first weights until ` +
    `then, and learns at ${
      percent(settings.text.share)
    } % of the learning rate behind it: one that learns from the start drops what pictures do not show yet.`,
    facts([
      [
        "Vision tower",
        `${tower.num_hidden_layers} layers, width ${tower.hidden_size}, ${tower.num_attention_heads} heads, ` +
        `pictures of ${tower.image_size} x ${tower.image_size} in patches of ${tower.patch_size}`,
      ],
      [
        "Text tower",
        `${text.num_hidden_layers} layers, width ${text.hidden_size}, ${text.num_attention_heads} heads`,
      ],
      ...trained(vision),
      ["A step", `${settings.batch} pictures with captions`],
    ]),
    "![Loss of the towers](curves/vision_loss.svg)\n",
    "![Held-out accuracy of the towers](curves/vision_accuracy.svg)\n",
    `On pictures that no training step draws. Retrieval: each full caption among those of ` +
    `${retrieval.pictures} scenes of one to four objects. Siblings: the right one of four that differ in one ` +
    `attribute (chance 25 %). Zero-shot: one object, classed by the captions "a COLOUR SHAPE." of all ` +
    `${zeroShot.classes} (of ${zeroShot.pictures} pictures).\n`,
    table([
      { header: "Test", cell: ([name]: [string, string]) => name },
      { header: "Result", align: "right", cell: ([, value]) => value },
    ], [
      ["retrieval, caption of a picture, R@1", `${percent(retrieval.imageToText.at1)} %`],
      ["retrieval, caption of a picture, R@5", `${percent(retrieval.imageToText.at5)} %`],
      ["retrieval, picture of a caption, R@1", `${percent(retrieval.textToImage.at1)} %`],
      ["retrieval, picture of a caption, R@5", `${percent(retrieval.textToImage.at5)} %`],
      ...Object.entries(siblings).map(([attribute, { imageToText }]): [string, string] => [
        `siblings by ${attribute}`,
        `${percent(imageToText)} %`,
      ]),
      ["zero-shot shape", `${percent(zeroShot.shape)} %`],
      ["zero-shot colour", `${percent(zeroShot.color)} %`],
      ["zero-shot both", `${percent(zeroShot.both)} %`],
    ]),
    `Ridge regression from the patch states of each hidden layer, one of which a projector reads, on ` +
    `${
      probe[0].tested
    } objects of six-object pictures: share of right shapes and colours, and R2 of the ` +
    `middle's place in the picture and within its patch. What the contrast with captions does not need ` +
    `fades from layer to layer.\n`,
    table([
      { header: "Hidden layer", align: "right", cell: ([layer]) => String(layer) },
      { header: "Shape, %", align: "right", cell: ([, { shape }]) => percent(shape) },
      { header: "Colour, %", align: "right", cell: ([, { color }]) => percent(color) },
      { header: "Place", align: "right", cell: ([, { place }]) => fixed(place, 3) },
      { header: "Within its patch", align: "right", cell: ([, { offset }]) => fixed(offset, 3) },
    ], [...probe.entries()]),
  ].join("\n\n").replace(/\n{3,}/g, "\n\n");
}

/** A line through the points of a curve. */
function series<Point extends { step: number }>(
  name: string,
  curve: readonly Point[],
  value: (point: Point) => number,
  hue: number,
): ChartSeries {
  const points = curve.map((point) => {
    const y = value(point);
    return { x: point.step, y, low: y, high: y };
  });
  return { name, points, hue };
}

const languageCurve = ({ curve }: LanguageFigures) =>
  lineChart({
    title: "Loss of the decoder in training",
    xLabel: "optimiser steps",
    yLabel: "cross-entropy, nats a token",
    series: [
      series("text", curve, ({ texts }) => texts, 0),
      series("phrase tokens", curve, ({ scenes }) => scenes, 1),
    ],
  }).svg;

const visionLoss = ({ curve }: VisionFigures) =>
  lineChart({
    title: "Contrastive loss of the towers in training",
    xLabel: "optimiser steps",
    yLabel: "cross-entropy, nats",
    series: [series("loss", curve, ({ loss }) => loss, 0)],
  }).svg;

const visionAccuracy = ({ curve }: VisionFigures) =>
  lineChart({
    title: "Captions found in a held-out batch",
    xLabel: "optimiser steps",
    yLabel: "share of pictures",
    series: [series("held-out batch", curve, ({ heldOutAccuracy }) => heldOutAccuracy, 0)],
  }).svg;
