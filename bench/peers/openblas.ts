/**
 * OpenBLAS by foreign function: the system's library, all of its threads.
 *
 * A process can load it only once, under one core type; a child process loads it under another.
 */
import { type Subject, type Task, timed } from "./subject.ts";

const NAMES: Partial<Record<typeof Deno.build.os, string[]>> = {
  linux: ["libopenblas.so.0", "libopenblas.so"],
  darwin: [
    "libopenblas.dylib",
    "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
  ],
  windows: ["libopenblas.dll", "openblas.dll"],
};

const SYMBOLS = {
  cblas_sgemm: {
    parameters: [
      "i32", // order
      "i32", // transpose A
      "i32", // transpose B
      "i32", // M
      "i32", // N
      "i32", // K
      "f32", // alpha
      "buffer", // A
      "i32", // leading dimension of A
      "buffer", // B
      "i32",
      "f32", // beta
      "buffer", // C
      "i32",
    ],
    result: "void",
  },
  openblas_get_corename: { parameters: [], result: "pointer" },
  openblas_get_config: { parameters: [], result: "pointer" },
  openblas_set_num_threads: { parameters: ["i32"], result: "void" },
} as const;

// Values of cblas.h.
const ROW_MAJOR = 101;
const NO_TRANSPOSE = 111;

/** The library, loaded. */
export interface Openblas {
  /** The processor it computes for, such as `Haswell`. */
  core: string;
  version: string;
  prepare(task: Task): Subject;
}

/**
 * Loads OpenBLAS with a thread for each logical processor.
 *
 * @throws {Error} If the machine has none
 */
export function loadOpenblas(): Openblas {
  const { symbols } = open(NAMES[Deno.build.os] ?? []);
  const text = (pointer: Deno.PointerValue) =>
    pointer === null ? "" : new Deno.UnsafePointerView(pointer).getCString();
  const threads = navigator.hardwareConcurrency;
  symbols.openblas_set_num_threads(threads);
  const core = text(symbols.openblas_get_corename());
  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." names its build options behind the version.
  const [name, number] = text(symbols.openblas_get_config()).split(" ");
  return {
    core,
    version: `${name} ${number}, core ${core}, threads: ${threads}`,
    prepare(task) {
      if (task.kernel !== "matmul") {
        throw new Error("OpenBLAS has products only");
      }
      const { rows, inner, columns, a, b } = task;
      const c = new Float32Array(rows * columns);
      const run = () =>
        symbols.cblas_sgemm(
          ROW_MAJOR,
          NO_TRANSPOSE,
          NO_TRANSPOSE,
          rows,
          columns,
          inner,
          1,
          a,
          inner,
          b,
          columns,
          0,
          c,
          columns,
        );
      return {
        result() {
          run();
          return Promise.resolve({ c });
        },
        time: (times) => timed(times, run),
        dispose() {},
      };
    },
  };
}

function open(names: string[]): Deno.DynamicLibrary<typeof SYMBOLS> {
  for (const name of names) {
    try {
      return Deno.dlopen(name, SYMBOLS);
    } catch {
      // The next name may be there.
    }
  }
  throw new Error(`there is no OpenBLAS on this machine (${names.join(", ")})`);
}
