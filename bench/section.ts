/** What a section of the report is: a measurement, its record, and pure functions of that. */
import type { Engine } from "../src/gpu/engine.ts";
import type { Environment } from "./environment.ts";
import type { RooflineRecord } from "./roofline.ts";

/** What measurements get. */
export interface BenchContext {
  engine: Engine;
  /** The same device with the reference's kernel plan. */
  plain: Engine;
  /** Samples of each benchmark and form. */
  samples: number;
  /** Whether something of this name is to be measured. */
  wants(name: string): boolean;
  /** Steps after which memory is compared with that after 20. */
  longSteps: number;
  say(line: string): void;
}

/** What renderers get beside their section's record. */
export interface BenchFrame {
  environment: Environment;
  roofline: RooflineRecord;
}

/** Something that was aimed at, and what came of it. */
export interface Target {
  what: string;
  /** Where the aim lies: `>= 0.7`. */
  aim: string;
  measured: string;
  met: boolean;
}

/** A section of the report. */
export interface Section<Record> {
  title: string;
  /** The file of its record; `bench.json`, which holds many, by default. */
  file?: string;
  /** Absent where a task of its own measures. */
  measure?(context: BenchContext): Promise<Record>;
  /** Markdown; a pure function. */
  render(record: Record, frame: BenchFrame): string;
  targets?(record: Record, frame: BenchFrame): Target[];
}
