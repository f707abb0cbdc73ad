/** Features of pictures and captions, by a program of the forward pass alone. */
import type { Command } from "../gpu/command.ts";
import { readMatrix } from "../gpu/memory.ts";
import { compileProgram, type Program } from "../gpu/program.ts";
import { freeTensor } from "../gpu/tensor.ts";
import { createTape, keep } from "../tensor/tape.ts";
import { unitRows } from "../tensor/unit_rows.ts";
import { type ClipPair, traceFeatures } from "./clip_pair.ts";

/** Unit rows: (B, projection_dim) each. */
export interface ClipFeatures {
  /** `image_embeds` of CLIPModel. */
  images: Float32Array;
  /** `text_embeds` of CLIPModel. */
  texts: Float32Array;
}

/** A recorded forward pass. */
export interface ClipFeatureProgram {
  program: Program;
  /** Dispatches of the program. */
  commands: readonly Command[];
  /** Features of the pictures and captions that were written last. Waits for the queue. */
  run(): Promise<ClipFeatures>;
  /** Frees the program's memory. */
  destroy(): void;
}

/** Traces and compiles the forward pass. Their products are cosines, not scaled. */
export function compileClipFeatures(pair: ClipPair): ClipFeatureProgram {
  const { engine } = pair;
  const tape = createTape(engine);
  const traced = traceFeatures(tape, pair);
  const images = keep(unitRows(tape, traced.images));
  const texts = keep(unitRows(tape, traced.texts));
  const program = compileProgram(engine, tape.commands);
  return {
    program,
    commands: tape.commands,
    async run() {
      program.run();
      return {
        images: await readMatrix(engine.device, images.matrix!),
        texts: await readMatrix(engine.device, texts.matrix!),
      };
    },
    destroy() {
      program.destroy();
      for (const tensor of [images, texts]) freeTensor(engine, tensor);
    },
  };
}
