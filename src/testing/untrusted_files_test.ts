/**
 * Every reader of files that come from elsewhere, given files that are nearly right. Each may read its
 * own folder only: the test's permissions end there.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import fc from "fast-check";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { readEmbeddings } from "../cli/embedding_file.ts";
import { easyVqa } from "../data/easy_vqa.ts";
import { decodeImage } from "../data/image.ts";
import { slake } from "../data/slake.ts";
import { buildTokenizer } from "../data/tokenizer.ts";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import { vqaV2 } from "../data/vqa_v2.ts";
import { parsePreprocessing } from "../encoders/clip_preprocessing.ts";
import { precomputedEncoder } from "../encoders/precomputed.ts";
import { scoreVqaFiles } from "../evaluation/vqa_files.ts";
import { parseClipConfig } from "../models/clip_config.ts";
import { loraSpecs } from "../models/llama_adapters.ts";
import { openLlama } from "../models/load_llama.ts";
import { loadPeft, peftConfig } from "../models/peft.ts";
import { type Tensor, writeSafetensors } from "../models/safetensors.ts";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import { hashQuestions, packAnswers } from "../records/packed_answers.ts";
import { readRecords } from "../records/read_records.ts";
import { readSettings } from "../study/frozen_settings.ts";
import { loadStudy } from "../study/load.ts";
import { loadProgress, saveProgress } from "../training/progress_file.ts";
import { fuzz } from "./fuzz.ts";
import { mutatedBytes, mutatedJson } from "./mutations.ts";
import { TINY_CONFIG, TINY_CONFIG_JSON, tinyTensors } from "./tiny_checkpoint.ts";
import { tinyStudy } from "./tiny_study.ts";

/** A file: bytes, or a value that is written as JSON. */
type Files = Record<string, unknown>;

interface Reader {
  files: Files;
  /** Those that are given changed, in turn; all when absent. */
  changed?: string[];
  read(dir: string): unknown;
  /** What a refusal names; one of the files when absent. */
  names?: RegExp;
}

const matrix = (...shape: number[]): Tensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
});
const tensors = (entries: Record<string, Tensor>) =>
  writeSafetensors(Object.entries(entries), { format: "pt" });

const jpg = Uint8Array.from(
  jpeg.encode({ width: 8, height: 8, data: Buffer.alloc(256, 90) }, 90).data,
);
const png = Uint8Array.from(PNG.sync.write(new PNG({ width: 8, height: 8 })));
/** The same picture in seven passes, which are 8 rows of filter bytes and all pixels here. */
const interlaced = interlacedPng(deflateSync(Buffer.alloc(4 * 64 + 15)));

function interlacedPng(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const chunks = PNG.sync.write(new PNG({ width: 8, height: 8 }));
  const header = Buffer.from(chunks.subarray(16, 29));
  header[12] = 1;
  const chunk = (name: string, content: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(name), content]);
    const bytes = Buffer.alloc(body.length + 8);
    bytes.writeUInt32BE(content.length);
    body.copy(bytes, 4);
    bytes.writeUInt32BE(crc32(body), body.length + 4);
    return bytes;
  };
  return Uint8Array.from(Buffer.concat([
    chunks.subarray(0, 8),
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", new Uint8Array()),
  ]));
}

const tokenizer = buildTokenizer(["What colour is the circle?", "Is there a square? Yes, 2."]);
const { tokenizer: tokenizerJson, config: tokenizerConfig } = tokenizerFiles(tokenizer);
const llama = { ...TINY_CONFIG, vocab_size: tokenizer.vocabularySize };
const lora = { rank: 2, alpha: 4, dropout: 0, targets: ["q_proj" as const] };
const adapters = new Map(
  loraSpecs(llama, lora).map(({ name, rows, columns }) => [name, matrix(rows, columns)]),
);

const slakeEntry = (qid: number, picture: string) => ({
  img_name: `${picture}/source.jpg`,
  question: "What organ is this?",
  answer: "Liver",
  q_lang: "en",
  content_type: "Organ",
  qid,
});
const vqaQuestions = (image: number) => ({
  questions: [1, 2].map((id) => ({ question_id: 10 * image + id, image_id: image, question: "?" })),
});
const vqaAnnotations = (image: number) => ({
  annotations: [1, 2].map((id) => ({
    question_id: 10 * image + id,
    image_id: image,
    question_type: "what",
    answer_type: "other",
    multiple_choice_answer: "two",
    answers: [1, 2, 3].map((answer_id) => ({ answer: "two", answer_id })),
  })),
});
const coco = (subset: string, image: number) =>
  `${subset}/COCO_${subset}_${String(image).padStart(12, "0")}.jpg`;

const answers = [1, 2, 3].map((id) => ({
  id: `q${id}`,
  image: `p${id >> 1}`,
  answer: `answer ${id & 1}`,
  correct: id === 1,
  score: id / 3,
}));
const { packed, questions } = packAnswers(answers);
const packedRun = { ...exampleRun(), answers: packed };

const READERS: Record<string, Reader> = {
  "a file of embeddings": {
    files: { "x.safetensors": tensors({ x: matrix(3, 4) }) },
    read: (dir) => readEmbeddings(join(dir, "x.safetensors")),
  },
  "features computed elsewhere": {
    files: { "x.safetensors": tensors({ a: matrix(2, 3), b: matrix(2, 3) }) },
    read: precomputedEncoder,
  },
  "a language model": {
    files: {
      "config.json": { ...TINY_CONFIG_JSON, ...llama },
      "generation_config.json": { eos_token_id: 2, bos_token_id: 1 },
      "tokenizer.json": tokenizerJson,
      "tokenizer_config.json": tokenizerConfig,
      "model.safetensors.index.json": {
        weight_map: Object.fromEntries(
          [...tinyTensors(llama).keys()].map((name) => [name, "part.safetensors"]),
        ),
      },
      "part.safetensors": writeSafetensors(tinyTensors(llama)),
    },
    changed: [
      "config.json",
      "generation_config.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "model.safetensors.index.json",
    ],
    async read(dir) {
      const { tokenizer, checkpoint } = await openLlama(dir, { cacheDir: dir });
      tokenizer.decode(tokenizer.encodePrompt("What colour is the circle?"));
      checkpoint.get("model.norm.weight");
    },
    names: /\.json"|\.safetensors"|is missing from|its tokenizer has/,
  },
  "adapters": {
    files: {
      "adapter_config.json": JSON.parse(peftConfig({ lora, baseModel: null })),
      "adapter_model.safetensors": writeSafetensors(adapters),
    },
    read: (dir) => loadPeft(dir, llama),
  },
  "CLIP's configuration": {
    files: {
      "config.json": {
        model_type: "clip",
        projection_dim: 8,
        vision_config: { hidden_size: 8, num_attention_heads: 2, image_size: 8, patch_size: 4 },
        text_config: { hidden_size: 8, num_attention_heads: 2 },
      },
      "preprocessor_config.json": {
        size: { shortest_edge: 8 },
        crop_size: { height: 8, width: 8 },
        image_mean: [0.5, 0.5, 0.5],
      },
    },
    read(dir) {
      parseClipConfig(jsonOf(join(dir, "config.json")));
      parsePreprocessing(jsonOf(join(dir, "preprocessor_config.json")), 8);
    },
    names: /CLIP|preprocessor_config.json|config.json/,
  },
  "SLAKE": {
    files: {
      "train.json": [slakeEntry(1, "a"), slakeEntry(2, "a")],
      "validate.json": [slakeEntry(3, "b")],
      "test.json": [slakeEntry(4, "c")],
      ...Object.fromEntries(["a", "b", "c"].map((name) => [`imgs/${name}/source.jpg`, jpg])),
    },
    changed: ["train.json", "validate.json", "test.json"],
    read: (dir) => readAll(slake({ dir, seed: 0 })),
    names: /\.json"|no question is in language|imgs\//,
  },
  "easy-VQA": {
    files: {
      "train/questions.json": [["What shape?", "circle", 0], ["Is it red?", "no", 1]],
      "test/questions.json": [["What shape?", "circle", 0]],
      "train/images/0.png": png,
      "train/images/1.png": png,
      "test/images/0.png": png,
    },
    changed: ["train/questions.json", "test/questions.json"],
    read: (dir) => readAll(easyVqa({ dir, seed: 0 })),
    names: /questions\.json"|images\//,
  },
  "VQA v2.0": {
    files: {
      "v2_OpenEnded_mscoco_train2014_questions.json": vqaQuestions(1),
      "v2_mscoco_train2014_annotations.json": vqaAnnotations(1),
      "v2_OpenEnded_mscoco_val2014_questions.json": vqaQuestions(2),
      "v2_mscoco_val2014_annotations.json": vqaAnnotations(2),
      [coco("train2014", 1)]: jpg,
      [coco("val2014", 2)]: jpg,
    },
    changed: [
      "v2_OpenEnded_mscoco_train2014_questions.json",
      "v2_mscoco_val2014_annotations.json",
    ],
    read: (dir) => readAll(vqaV2({ dir, seed: 0 })),
    names: /\.json"|COCO_/,
  },
  "answers to score": {
    files: {
      "questions.json": vqaQuestions(1),
      "annotations.json": vqaAnnotations(1),
      "results.json": [{ question_id: 11, answer: "two" }, { question_id: 12, answer: "2" }],
    },
    read: (dir) =>
      scoreVqaFiles({
        questions: join(dir, "questions.json"),
        annotations: join(dir, "annotations.json"),
        results: join(dir, "results.json"),
      }),
  },
  "a study": {
    files: { "study.json": tinyStudy() },
    read: (dir) => loadStudy("study.json", dir),
  },
  "records": {
    files: {
      "study.json": exampleStudy(),
      "runs/a.json": exampleRun(),
      "runs/b.json": { ...packedRun, seed: 2 },
      [`questions/${hashQuestions(questions)}.json`]: questions,
    },
    read: readRecords,
  },
  "the settings of a folder": {
    files: {
      "settings.json": {
        ...{ study: "tiny", adapter: "a", driver: "d", engine: 1 },
        config: { data: { name: "easy-shapes" } },
      },
    },
    read: readSettings,
  },
  "a checkpoint of training": {
    files: { "checkpoint.safetensors": await progressFile() },
    read: (dir) => loadProgress(join(dir, "checkpoint.safetensors"), "run"),
  },
  "a PNG": { files: { "x.png": png }, read: (dir) => decode(join(dir, "x.png")) },
  "an interlaced PNG": {
    files: { "x.png": interlaced },
    read: (dir) => decode(join(dir, "x.png")),
  },
  "a JPEG": { files: { "x.jpg": jpg }, read: (dir) => decode(join(dir, "x.jpg")) },
};

function jsonOf(path: string): unknown {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch {
    throw new SyntaxError(`Cannot read "${path}"`);
  }
}

/** Every picture and every question of a data set. */
async function readAll(opened: ReturnType<typeof slake>): Promise<void> {
  const { train, validation, test } = await opened;
  for (const example of [...train, ...validation, ...test]) await example.image();
}

function decode(path: string): void {
  const { width, height, data } = decodeImage(Deno.readFileSync(path), path);
  assert.equal(data.length, 3 * width * height);
}

async function progressFile(): Promise<Uint8Array> {
  const dir = await Deno.makeTempDir();
  const weights = new Map([["P1.0.weight", { rows: 2, columns: 2, data: new Float32Array(4) }]]);
  const progress = {
    ...{ stage: 0, losses: [{ tokenLoss: 1, cosineLoss: null, gradientNorm: 1 }], seconds: 1 },
    ...{ validation: [{ step: 1, accuracy: 0.5 }], diagnostics: [] },
    values: { connector: weights, objective: new Map() },
    state: new Map([["m", { rows: 1, columns: 2, data: new Float32Array(2) }]]),
  };
  try {
    await saveProgress(join(dir, "x"), progress, "run");
    return await Deno.readFile(join(dir, "x"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const bytesOf = (content: unknown): Uint8Array =>
  content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));

function mutated(file: string, content: unknown): fc.Arbitrary<[string, Uint8Array]> {
  const bytes = mutatedBytes(bytesOf(content));
  const inputs: fc.Arbitrary<Uint8Array> = content instanceof Uint8Array ? bytes : fc.oneof(
    { weight: 4, arbitrary: mutatedJson(content).map((text) => new TextEncoder().encode(text)) },
    { weight: 1, arbitrary: bytes },
  );
  return inputs.map((changed) => [file, changed]);
}

const root = Deno.makeTempDirSync();
addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const ablations = fileURLToPath(new URL("../../ablations/", import.meta.url));

for (const [index, [what, reader]] of Object.entries(READERS).entries()) {
  const { files, changed = Object.keys(files), read, names } = reader;
  Deno.test({
    name: `${what}, nearly right: read, or refused in one line that names the file`,
    permissions: { read: [root, ablations], write: [root] },
    async fn() {
      const dir = join(root, String(index));
      for (const [file, content] of Object.entries(files)) {
        Deno.mkdirSync(dirname(join(dir, file)), { recursive: true });
        Deno.writeFileSync(join(dir, file), bytesOf(content));
      }
      await read(dir);
      const named = new RegExp(changed.map((file) => file.replaceAll(".", "\\.")).join("|"));
      const inputs = fc.oneof(...changed.map((file) => mutated(file, files[file])));
      await fuzz(inputs, async ([file, bytes]) => {
        Deno.writeFileSync(join(dir, file), bytes);
        try {
          await read(dir);
        } finally {
          Deno.writeFileSync(join(dir, file), bytesOf(files[file]));
        }
      }, names ?? named);
    },
  });
}
