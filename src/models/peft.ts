/**
 * Adapters in the layout of PEFT: a folder with `adapter_config.json` and
 * `adapter_model.safetensors`.
 *
 * Format: https://huggingface.co/docs/peft/developer_guides/checkpoint
 */
import { join } from "node:path";
import { decodeUtf8, parseJson } from "../data/json.ts";
import { namingFile } from "../data/naming_file.ts";
import { oneLine, quoted } from "../data/one_line.ts";
import { readWhole } from "../data/read_whole.ts";
import { replaceFile } from "../data/replace_file.ts";
import { LORA_TARGETS, type LoraConfig, type LoraTarget } from "../nn/lora.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { loraSpecs } from "./llama_adapters.ts";
import type { LlamaConfig } from "./llama_config.ts";
import { matrixTensors } from "./matrix_file.ts";
import { parseSafetensors, toFloat32, writeSafetensors } from "./safetensors.ts";

/** The file of settings. */
export const ADAPTER_CONFIG = "adapter_config.json";
/** The file of weights. */
export const ADAPTER_MODEL = "adapter_model.safetensors";

/** Adapters as kept in files. */
export interface PeftAdapter {
  /** Settings, which also say which projections have weights. */
  lora: LoraConfig;
  /** The decoder they were trained on, as the file names it. */
  baseModel: string | null;
  /** By PEFT's names. */
  weights: Map<string, MatrixValues>;
}

/** Fields that must have one of these values; the first is what is written. */
const FIXED: Record<string, readonly unknown[]> = {
  peft_type: ["LORA"],
  task_type: ["CAUSAL_LM", null, undefined],
  bias: ["none", undefined],
  fan_in_fan_out: [false, undefined],
  // The others (PiSSA, OLoRA, CorDA, LoftQ) also change the weights that are adapted.
  init_lora_weights: [true, false, "gaussian", "orthogonal", "eva", null, undefined],
};

/** Fields that say nothing about what the adapters compute. */
const WITHOUT_EFFECT = new Set([
  "auto_mapping",
  "base_model_name_or_path",
  "inference_mode",
  "peft_version",
  "revision",
  // Settings of a way to draw the first values.
  "loftq_config",
  "eva_config",
  "corda_config",
  // Of use only together with fields that are refused.
  "megatron_core",
  "qalora_group_size",
]);

const READ = new Set(["r", "lora_alpha", "lora_dropout", "target_modules"]);

/**
 * Reads the settings of adapters. A field that is set and would change what they compute is refused
 * by its name: use_dora, use_rslora, rank_pattern, modules_to_save, and whatever comes later.
 *
 * @throws {SyntaxError} If the text is no JSON.
 * @throws {TypeError} If a field is missing or has another type.
 * @throws {RangeError} If a field asks for what is not supported.
 */
export function parsePeftConfig(text: string): { lora: LoraConfig; baseModel: string | null } {
  const config = parseObject(text);
  for (const [field, allowed] of Object.entries(FIXED)) {
    if (!allowed.includes(config[field])) {
      refuse(field, config[field], "it is not supported");
    }
  }
  for (const [field, value] of Object.entries(config)) {
    const known = READ.has(field) || WITHOUT_EFFECT.has(field) ||
      Object.hasOwn(FIXED, field);
    if (!known && !isUnset(value)) refuse(field, value, "it is not supported");
  }
  const number = (field: string): number => {
    const value = config[field];
    if (typeof value !== "number") {
      throw new TypeError(
        `Cannot read adapters: ${field} is ${quoted(value)}, not a number`,
      );
    }
    return value;
  };
  const base = config.base_model_name_or_path;
  return {
    lora: {
      rank: number("r"),
      alpha: number("lora_alpha"),
      dropout: config.lora_dropout === undefined ? 0 : number("lora_dropout"),
      targets: parseTargets(config.target_modules),
    },
    baseModel: typeof base === "string" ? base : null,
  };
}

function parseTargets(value: unknown): LoraTarget[] {
  if (!Array.isArray(value)) {
    throw new TypeError(
      `Cannot read adapters: target_modules is ${quoted(value)}, not a list of projections`,
    );
  }
  for (const name of value) {
    if (!LORA_TARGETS.includes(name)) {
      refuse("target_modules", value, `${quoted(name)} is none of ${LORA_TARGETS}`);
    }
  }
  // PEFT writes a set, in any order.
  return LORA_TARGETS.filter((target) => value.includes(target));
}

function parseObject(text: string): Record<string, unknown> {
  let config: unknown;
  try {
    config = parseJson(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read adapters: ${ADAPTER_CONFIG} is no JSON: ${oneLine(cause)}`, {
      cause,
    });
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new TypeError(`Cannot read adapters: ${ADAPTER_CONFIG} holds no object`);
  }
  return config as Record<string, unknown>;
}

function refuse(field: string, value: unknown, why: string): never {
  throw new RangeError(`Cannot read adapters: ${oneLine(field)} is ${quoted(value)}; ${why}`);
}

const isUnset = (value: unknown): boolean =>
  value === null || value === false || value === undefined ||
  (typeof value === "object" && Object.keys(value).length === 0);

/**
 * Reads the weights of adapters.
 *
 * @param bytes of a safetensors file
 * @throws {RangeError} If a tensor is missing, has another shape, or belongs to no adapter.
 * @throws as `parseSafetensors` and `toFloat32` do
 */
export function parsePeftWeights(
  bytes: Uint8Array,
  config: LlamaConfig,
  lora: LoraConfig,
): Map<string, MatrixValues> {
  const tensors = parseSafetensors(bytes);
  const weights = new Map<string, MatrixValues>();
  for (const { name, rows, columns } of loraSpecs(config, lora)) {
    const tensor = tensors.get(name);
    if (!tensor) throw new RangeError(`Cannot read adapters: tensor "${name}" is missing`);
    const { shape } = tensor;
    if (shape.length !== 2 || shape[0] !== rows || shape[1] !== columns) {
      throw new RangeError(
        `Cannot read adapters: tensor "${name}" has the shape ${
          quoted(shape)
        }, not [${rows},${columns}]`,
      );
    }
    weights.set(name, { rows, columns, data: toFloat32(tensor) });
  }
  for (const name of tensors.keys()) {
    if (!weights.has(name)) {
      throw new RangeError(`Cannot read adapters: tensor ${quoted(name)} belongs to no adapter`);
    }
  }
  return weights;
}

/**
 * Reads a folder of adapters.
 *
 * @throws as {@linkcode parsePeftConfig} and {@linkcode parsePeftWeights} do, naming the file
 */
export async function loadPeft(folder: string, config: LlamaConfig): Promise<PeftAdapter> {
  const [settingsFile, weightsFile] = [join(folder, ADAPTER_CONFIG), join(folder, ADAPTER_MODEL)];
  const settings = await namingFile(settingsFile, async () => {
    const settings = parsePeftConfig(
      await reading(async () => decodeUtf8(await readWhole(settingsFile))),
    );
    loraSpecs(config, settings.lora);
    return settings;
  });
  const weights = await namingFile(weightsFile, async () => {
    const bytes = await reading(() => readWhole(weightsFile, Infinity));
    return parsePeftWeights(bytes, config, settings.lora);
  });
  return { ...settings, weights };
}

async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new RangeError(`Cannot read adapters: ${oneLine(cause)}`, { cause });
  }
}

/** The text of `adapter_config.json`. */
export function peftConfig({ lora, baseModel }: Omit<PeftAdapter, "weights">): string {
  const config = {
    ...Object.fromEntries(Object.entries(FIXED).map(([field, [value]]) => [field, value])),
    base_model_name_or_path: baseModel,
    inference_mode: true,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout,
    modules_to_save: null,
    r: lora.rank,
    target_modules: lora.targets,
    use_dora: false,
    use_rslora: false,
  };
  return JSON.stringify(config, null, 2) + "\n";
}

/** Writes a folder of adapters, which is made if there is none. */
export async function savePeft(folder: string, adapter: PeftAdapter): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const model = writeSafetensors(matrixTensors(adapter.weights), { format: "pt" });
  await replaceFile(join(folder, ADAPTER_MODEL), model);
  await replaceFile(join(folder, ADAPTER_CONFIG), peftConfig(adapter));
}
