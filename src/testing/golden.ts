/**
 * Reads the golden values: inputs and outputs computed in float64 by other programs.
 *
 * `golden/README.md` describes them. Sizes, names and tolerances come from the files, never from a
 * test, so that other values in the same layout can be put in their place.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSafetensors } from "../models/safetensors.ts";
import type { Tolerance } from "./tolerance.ts";

/** A golden tensor: row-major; a scalar has the shape `[]`. */
export interface GoldenTensor {
  shape: number[];
  data: Float64Array | Float32Array | Int32Array | Uint8Array;
}

/** One case: its JSON file and the tensor file of the same name. */
export interface Golden {
  /** Hyperparameters, shapes, formulas and tolerances; null where the case has no JSON file. */
  // deno-lint-ignore no-explicit-any -- every topic has its own layout
  json: any;
  /** Empty where the case has no tensor file. */
  tensors: Map<string, GoldenTensor>;
}

/** The folder of golden values: `PLUMBLINE_GOLDEN` when it is set, else the committed one. */
export function goldenFolder(): string {
  return Deno.env.get("PLUMBLINE_GOLDEN") ||
    fileURLToPath(new URL("./golden", import.meta.url));
}

/**
 * Names of the cases of a topic, sorted. A case is a JSON file, or a folder where it has several
 * files.
 *
 * @example
 * ```ts
 * listGolden("llama"); // ["tied", "untied"]
 * listGolden("adamw"); // ["one_group", "two_groups"]
 * ```
 *
 * @throws {RangeError} the topic has no case, so that no test passes by iterating over nothing
 */
export function listGolden(topic: string): string[] {
  const folder = join(goldenFolder(), topic);
  const names = [...Deno.readDirSync(folder)]
    .filter((entry) => entry.isDirectory || entry.name.endsWith(".json"))
    .map((entry) => entry.isDirectory ? entry.name : entry.name.slice(0, -".json".length));
  if (names.length === 0) {
    throw new RangeError(
      `Cannot list golden values: topic "${topic}" has no case in ${folder}`,
    );
  }
  return names.sort();
}

/**
 * Reads `TOPIC/NAME.json` and `TOPIC/NAME.safetensors`, one of which may be absent. Files of a case
 * that is a folder are read one by one: `readGolden("llama/tied", "inputs")`.
 *
 * @throws {Deno.errors.NotFound} neither file exists
 */
export function readGolden(topic: string, name: string): Golden {
  const path = join(goldenFolder(), topic, name);
  const json = readIfPresent(`${path}.json`);
  const file = readIfPresent(`${path}.safetensors`);
  if (json === null && file === null) {
    throw new Deno.errors.NotFound(
      `Cannot read golden values: neither ${path}.json nor ${path}.safetensors exists`,
    );
  }
  return {
    json: json === null ? null : JSON.parse(new TextDecoder().decode(json)),
    tensors: file === null ? new Map() : goldenTensors(file, `${path}.safetensors`),
  };
}

/**
 * A golden tensor as float64, for the CPU reference.
 *
 * @throws {RangeError} the case has no tensor of this name
 */
export function goldenFloat64(golden: Golden, name: string): Float64Array {
  return Float64Array.from(goldenTensor(golden, name).data);
}

/**
 * A golden tensor by name.
 *
 * @throws {RangeError} the case has no tensor of this name
 */
export function goldenTensor(golden: Golden, name: string): GoldenTensor {
  const tensor = golden.tensors.get(name);
  if (tensor === undefined) {
    throw new RangeError(
      `Cannot find golden tensor "${name}" among ${[...golden.tensors.keys()]}`,
    );
  }
  return tensor;
}

/**
 * The float32 tolerance that the case's JSON file states under `key`.
 *
 * @throws {RangeError} the file states none under this key
 */
export function goldenTolerance(json: Golden["json"], key: string): Tolerance {
  const tolerance = json?.tolerance_f32?.[key];
  if (tolerance === undefined) {
    const known = Object.keys(json?.tolerance_f32 ?? {});
    throw new RangeError(`Cannot find tolerance "${key}" among ${known}`);
  }
  return tolerance;
}

function goldenTensors(
  file: Uint8Array,
  path: string,
): Map<string, GoldenTensor> {
  const tensors = new Map<string, GoldenTensor>();
  for (const [name, { dtype, shape, data }] of parseSafetensors(file)) {
    if (
      dtype !== "F64" && dtype !== "F32" && dtype !== "I32" && dtype !== "U8"
    ) {
      throw new TypeError(
        `Cannot read golden tensor "${name}" of ${path}: its elements are ${dtype}`,
      );
    }
    tensors.set(name, { shape, data });
  }
  return tensors;
}

function readIfPresent(path: string): Uint8Array | null {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
