/** Matrices of a model: what to make, how to draw the first values, and the matrices themselves. */
import { orthonormalColumns } from "../data/orthonormal.ts";
import { type RandomStream, stream } from "../data/random.ts";
import { mostSharedRows, weightTensor, writeTensor } from "../gpu/bands.ts";
import type { Engine } from "../gpu/engine.ts";
import type { Shape } from "../gpu/memory.ts";
import { bandTensor, freeTensor, ownTensor, stateTensor, type Tensor } from "../gpu/tensor.ts";

/** How the first values of a parameter are drawn. */
export type Initialisation =
  | { kind: "zeros" }
  | { kind: "ones" }
  /** Normal with this standard deviation. */
  | { kind: "normal"; deviation: number }
  /** Uniform in +- this bound. */
  | { kind: "uniform"; bound: number }
  /** Uniform in +- sqrt(6 / fan_in) (arXiv 1502.01852, equation 10, gain sqrt 2). */
  | { kind: "kaiming-uniform" }
  /** A matrix that keeps all angles and lengths; no wider than high. */
  | { kind: "orthonormal-columns" }
  /** All the same number. */
  | { kind: "constant"; value: number };

/** A parameter that an objective or a connector declares. */
export interface ParameterSpec {
  name: string;
  rows: number;
  columns: number;
  initialisation: Initialisation;
  /** Whether it stays as it is drawn, whatever a stage trains. */
  fixed?: boolean;
}

/** A matrix of a model. It is trained where its tensor needs a gradient. */
export interface Parameter {
  name: string;
  tensor: Tensor;
  /**
   * The same values in a storage buffer, which the optimiser changes in place: the tensor itself
   * where it is one, for an image cannot be read and written in one dispatch. Of a frozen parameter
   * the tensor itself.
   */
  master: Tensor;
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
  if (initialisation.kind === "constant") return values.fill(initialisation.value);
  const random = stream(seed, `weights/${name}`);
  if (initialisation.kind === "orthonormal-columns") {
    return Float32Array.from(orthonormalColumns(rows, columns, random));
  }
  const draw = drawer(initialisation, columns, random);
  for (let i = 0; i < values.length; i++) values[i] = draw();
  return values;
}

function drawer(
  initialisation: Extract<Initialisation, { kind: "normal" | "uniform" | "kaiming-uniform" }>,
  fanIn: number,
  random: RandomStream,
): () => number {
  if (initialisation.kind === "normal") return () => initialisation.deviation * random.normal();
  const bound = initialisation.kind === "uniform" ? initialisation.bound : Math.sqrt(6 / fanIn);
  return () => bound * (2 * random.uniform() - 1);
}

/** What a parameter is made of. */
export interface ParameterValues extends Shape {
  name: string;
  /** (rows, columns), row-major. */
  values: Float32Array;
  /** Whether it is not trained: no gradient flows into it, and it has no master copy. */
  frozen?: boolean;
  /** Whether weight decay applies; by default to what has more than one row. */
  decay?: boolean;
}

/**
 * Puts parameters on the device. Those of one width that decay alike lie below each other in the
 * same memory, in the order given, so that the optimiser takes them in one dispatch; in as many
 * pieces as the adapter's limits ask for. Each frozen one has memory of its own.
 *
 * Free them together: {@linkcode freeParameters}.
 */
export function createParameters(engine: Engine, all: readonly ParameterValues[]): Parameter[] {
  const alike = Map.groupBy<unknown, ParameterValues>(
    all,
    (one) => one.frozen ? one : `${one.columns} ${decays(one)}`,
  );
  const made = new Map<ParameterValues, Parameter>();
  for (const members of [...alike.values()].flatMap((members) => stacksOf(engine, members))) {
    const { columns, frozen = false } = members[0];
    const name = members.length === 1 ? members[0].name : "parameters";
    const rows = members.reduce((sum, member) => sum + member.rows, 0);
    const tensor = frozen
      ? weightTensor(engine, name, { rows, columns })
      : ownTensor(engine, name, { rows, columns }, true);
    const master = frozen || tensor.matrix!.buffer
      ? tensor
      : stateTensor(engine, `master ${name}`, { rows, columns });
    let firstRow = 0;
    for (const member of members) {
      const band = (of: Tensor) => frozen ? of : bandTensor(of, member.name, firstRow, member.rows);
      const weight = band(tensor);
      const parameter = {
        name: member.name,
        tensor: weight,
        master: master === tensor ? weight : band(master),
        decay: decays(member),
      };
      writeParameter(engine, parameter, member.values);
      made.set(member, parameter);
      firstRow += member.rows;
    }
  }
  return all.map((member) => made.get(member)!);
}

/** Parameters of one width in stacks that the adapter holds; one that it does not stands alone. */
function stacksOf(engine: Engine, members: readonly ParameterValues[]): ParameterValues[][] {
  const most = mostSharedRows(engine, members[0].columns);
  const stacks: ParameterValues[][] = [];
  let rows = Infinity;
  for (const member of members) {
    rows += member.rows;
    if (rows > most) {
      stacks.push([]);
      rows = member.rows;
    }
    stacks.at(-1)!.push(member);
  }
  return stacks;
}

const decays = ({ decay, rows }: ParameterValues) => decay ?? rows > 1;

/** Gives a parameter other values. */
export function writeParameter(
  engine: Engine,
  { tensor, master }: Parameter,
  values: Float32Array,
): void {
  for (const part of new Set([tensor, master])) writeTensor(engine, part, values);
}

/** Frees the memory of parameters that were made together. */
export function freeParameters(engine: Engine, parameters: readonly Parameter[]): void {
  for (const { tensor, master } of parameters) {
    for (const part of new Set([tensor, master])) freeTensor(engine, part);
  }
}
