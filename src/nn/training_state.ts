/**
 * What training goes on from: parameters and the optimiser's moments, read back and put back bit
 * for bit. With the step's number, from which schedule, batches and bias corrections follow, that is
 * all.
 */
import type { Engine } from "../gpu/engine.ts";
import { type DeviceMatrix, readMatrix, writeMatrix } from "../gpu/memory.ts";
import type { Moments } from "./adamw.ts";
import type { MatrixValues } from "./matrix_values.ts";
import { type Parameter, writeParameter } from "./parameters.ts";

/** Matrices by `parameters/NAME`, `m/NAME` and `v/NAME`. */
export type TrainingState = Map<string, MatrixValues>;

/** One matrix of a state: where it is read, and how it is given other values. */
interface Place {
  name: string;
  matrix: DeviceMatrix;
  write(values: Float32Array): void;
}

/** The places of a state. A frozen parameter has none: it is what it was. */
function places(
  engine: Engine,
  parameters: readonly Parameter[],
  moments: ReadonlyMap<string, Moments>,
): Place[] {
  return parameters.filter(({ tensor }) => tensor.needsGradient).flatMap((parameter) => {
    const { name, master } = parameter;
    const own: Place = {
      name: `parameters/${name}`,
      matrix: master.matrix!,
      write: (values) => writeParameter(engine, parameter, values),
    };
    const both = moments.get(name);
    if (!both) return [own];
    const [m, v] = (["m", "v"] as const).map((which): Place => {
      const matrix = both[which].matrix!;
      return {
        name: `${which}/${name}`,
        matrix,
        write: (values) => writeMatrix(engine.device, matrix, values),
      };
    });
    return [own, m, v];
  });
}

/**
 * Reads all trained parameters and their moments. Waits for the queue.
 *
 * @param moments by parameter name, as `traceAdamW` gives them
 */
export async function readTrainingState(
  engine: Engine,
  parameters: readonly Parameter[],
  moments: ReadonlyMap<string, Moments>,
): Promise<TrainingState> {
  return new Map(
    await Promise.all(
      places(engine, parameters, moments).map(async ({ name, matrix }) => {
        const { rows, columns } = matrix;
        return [name, { rows, columns, data: await readMatrix(engine.device, matrix) }] as const;
      }),
    ),
  );
}

/**
 * Puts a state back. Nothing is written unless all of it fits.
 *
 * @throws {TypeError} If a matrix is missing, or belongs to no trained parameter.
 * @throws {RangeError} If a matrix has another shape.
 */
export function writeTrainingState(
  engine: Engine,
  parameters: readonly Parameter[],
  moments: ReadonlyMap<string, Moments>,
  state: ReadonlyMap<string, MatrixValues>,
): void {
  const wrong = "Cannot restore training state:";
  const all = places(engine, parameters, moments);
  for (const { name, matrix: { rows, columns } } of all) {
    const saved = state.get(name);
    if (!saved) throw new TypeError(`${wrong} it has no "${name}"`);
    if (saved.rows !== rows || saved.columns !== columns) {
      throw new RangeError(
        `${wrong} "${name}" is ${saved.rows} x ${saved.columns}, the model needs ${rows} x ${columns}`,
      );
    }
  }
  const known = new Set(all.map(({ name }) => name));
  for (const name of state.keys()) {
    if (!known.has(name)) throw new TypeError(`${wrong} nothing is trained as "${name}"`);
  }
  for (const { name, write } of all) write(state.get(name)!.data);
}
