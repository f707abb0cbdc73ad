/**
 * What the two losses do to the projector, measured apart: gradients of L_TP and of lambda L_cos at P1,
 * and what its projection is like.
 */
import { averageCosine } from "../evaluation/average_cosine.ts";
import { meanNorm } from "../evaluation/mean_norm.ts";
import { writeStep } from "../gpu/engine.ts";
import { readMatrix } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor, type Tensor } from "../gpu/tensor.ts";
import type { MultimodalModel } from "../models/multimodal.ts";
import {
  answerRows,
  traceDecoder,
  traceObjective,
  traceProjection,
  traceTokenLoss,
} from "../models/multimodal_trace.ts";
import { tensorsOf } from "../nn/matrix_values.ts";
import { mlp } from "../nn/mlp.ts";
import type { DiagnosticPoint } from "../records/record.ts";
import { createTape, keep, type Tape } from "../tensor/tape.ts";

/** The numbers of the step whose batch is measured. */
export interface DiagnosedStep {
  lambda: number;
  tokenScale: number;
}

/**
 * Measures a model on the batch that was written last, without dropout. Waits for the queue. The
 * programs are made for it and freed again: it is asked for a few times in a run.
 */
export async function diagnose(
  model: MultimodalModel,
  step: DiagnosedStep,
): Promise<Omit<DiagnosticPoint, "step">> {
  const { hidden_size: hidden } = model.config.decoder;
  const own = tensorsOf(model.objective);
  const byTokens = await runTraced(model, step, (tape) => {
    const z = traceProjection(tape, model);
    const { output } = traceDecoder(tape, model, z, { asked: answerRows(model) });
    traceTokenLoss(tape, model, output);
    tape.backward();
    return { z, ...gradients(tape, model) };
  });
  const byCosines = await runTraced(model, step, (tape) => {
    const z = traceProjection(tape, model);
    // Past the loss, so that what it traces has no part in the gradients.
    traceObjective(tape, model, z);
    tape.backward();
    const leadsBack = own.get("P2.0.weight")?.columns === hidden &&
      own.get("P2.2.weight")?.rows === hidden;
    return { ...gradients(tape, model), ...(leadsBack && { p2: mlp(tape, "P2", z, own) }) };
  });
  const { z, ...tokenGradients } = byTokens;
  const { p2, ...cosineGradients } = byCosines;
  const projected = { rows: z.length / hidden, cols: hidden, data: z };
  return {
    tokenGradientNorm: norm(Object.values(tokenGradients)),
    cosineGradientNorm: Object.keys(cosineGradients).length > 0
      ? norm(Object.values(cosineGradients))
      : null,
    meanNorm: meanNorm(projected),
    averageCosine: averageCosine(projected),
    p2Distance: p2 ? norm([p2.map((value, i) => value - z[i])]) / norm([z]) : null,
  };
}

/** Gradients of P1's parameters, where anything flowed into them. */
function gradients(tape: Tape, { connector }: MultimodalModel): Record<string, Tensor | undefined> {
  return Object.fromEntries(
    connector.map(({ name, tensor }) => [`gradient ${name}`, tape.gradientOf(tensor)]),
  );
}

/** Traces, runs once, and reads what the trace names; nothing of it stays. */
async function runTraced(
  { engine }: MultimodalModel,
  step: DiagnosedStep,
  trace: (tape: Tape) => Record<string, Tensor | undefined>,
): Promise<Record<string, Float32Array>> {
  const tape = createTape(engine);
  const traced = Object.entries(trace(tape))
    .filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  for (const [, tensor] of traced) keep(tensor);
  const program = compileProgram(engine, tape.commands);
  writeStep(engine, step);
  program.run();
  const values: Record<string, Float32Array> = {};
  for (const [name, { matrix }] of traced) values[name] = await readMatrix(engine.device, matrix!);
  program.destroy();
  for (const [, tensor] of traced) freeTensor(engine, tensor);
  return values;
}

/** Euclidean norm of all numbers together. */
function norm(parts: readonly Float32Array[]): number {
  return Math.sqrt(
    parts.reduce((sum, part) => part.reduce((sum, value) => sum + value * value, sum), 0),
  );
}
