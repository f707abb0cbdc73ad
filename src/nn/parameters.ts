/** Trainable matrices: what to make, how to draw the first values, and the matrices themselves. */
import { type RandomStream, stream } from "../data/random.ts";
import { writeMatrix } from "../gpu/memory.ts";
import { type Engine, ownTensor, type Tensor } from "../gpu/program.ts";

/** How the first values of a parameter are drawn. */
export type Initialisation =
  | { kind: "zeros" }
  | { kind: "ones" }
  /** Normal with this standard deviation. */
  | { kind: "normal"; deviation: number }
  /** Uniform in +- sqrt(6 / fan_in) (arXiv 1502.01852, equation 10, gain sqrt 2). */
  | { kind: "kaiming-uniform" };

/** A parameter that an objective or a connector declares. */
export interface ParameterSpec {
  name: string;
  rows: number;
  columns: number;
  initialisation: Initialisation;
}

/** A trainable matrix. */
export interface Parameter {
  name: string;
  tensor: Tensor;
  /** Whether weight decay applies; not to biases and gains. */
  decay: boolean;
}

/** Draws a parameter's values from the stream of its name, so that no other parameter changes them. */
export function drawValues(
  seed: number,
  { name, rows, columns, initialisation }: ParameterSpec,
): Float32Array {
  const values = new Float32Array(rows * columns);
  if (initialisation.kind === "zeros") return values;
  if (initialisation.kind === "ones") return values.fill(1);
  const random = stream(seed, `weights/${name}`);
  const draw = drawer(initialisation, columns, random);
  for (let i = 0; i < values.length; i++) values[i] = draw();
  return values;
}

function drawer(
  initialisation: Extract<Initialisation, { kind: "normal" | "kaiming-uniform" }>,
  fanIn: number,
  random: RandomStream,
): () => number {
  if (initialisation.kind === "normal") return () => initialisation.deviation * random.normal();
  const bound = Math.sqrt(6 / fanIn);
  return () => bound * (2 * random.uniform() - 1);
}

/** Puts a parameter on the device. */
export function createParameter(
  engine: Engine,
  spec: ParameterSpec,
  values: Float32Array,
): Parameter {
  const tensor = ownTensor(engine, spec.name, spec, true);
  writeMatrix(engine.device, tensor.matrix!, values);
  return { name: spec.name, tensor, decay: spec.rows > 1 };
}
