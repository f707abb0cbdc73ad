/**
 * The measured roofline of an adapter: the most arithmetic and the fastest copy that it was seen to
 * do, against which kernels are put (Williams, Waterman and Patterson 2009, doi 10.1145/1498765.1498785).
 */
import type { Engine } from "../src/gpu/engine.ts";
import { createArray, destroyMatrix, readBuffer } from "../src/gpu/memory.ts";
import type { OperandForm } from "../src/gpu/plan.ts";
import { compileProgram, type Program } from "../src/gpu/program.ts";
import { freeTensor, ownTensor, stateTensor } from "../src/gpu/tensor.ts";
import { fixed } from "../src/report/number_format.ts";
import { table } from "../src/report/table.ts";
import { createTape, rowGrid, type Tape } from "../src/tensor/tape.ts";
import { gpuTime, hasTimestamps, runsFor, spread, wallTime } from "./measure.ts";

/** One test: what ran, its work, and raw times. */
export interface RooflineTest {
  what: string;
  /** Floating-point operations, or bytes read and written, of a run. */
  work: number;
  /** Of each run. */
  milliseconds: number[];
}

/** All tests; the best of a kind is its roof. */
export interface RooflineRecord {
  /** Chains of multiply-add in registers, work in floating-point operations. */
  arithmetic: RooflineTest[];
  /** Copies by kernels in the operand form in use, work in bytes. */
  copyKernel: RooflineTest[];
  /** Copies by the device's copy command, work in bytes. */
  copyCommand: RooflineTest[];
  /** `Float32Array.set` on one thread, work in bytes. */
  host: RooflineTest[];
}

/** Side of the copied matrix: that of the cosine loss, so that both find the same caches. */
const SIDE = 2048;
const LINKS = 8;
const ROUNDS = 2048;
/** So close to 1 that the sum still tells how many links it went through. */
const FACTOR = 1 - 2 ** -14;
const ADDEND = 2 ** -13;
/**
 * Least milliseconds of a timed run of chains, of runs between waits by the wall clock while its size
 * is sought, and of those that a figure is from: there a wait's 11 ms are about 1 % at most.
 */
const LEAST = { run: 10, seeking: 200, wall: 1000 };

/** Measures the roofline in the engine's operand form. */
export async function measureRoofline(engine: Engine, samples: number): Promise<RooflineRecord> {
  const arithmetic: RooflineTest[] = [];
  for (const fused of [false, true]) {
    for (const chains of [1, 2, 3, 4, 6, 8]) {
      arithmetic.push(await timeChains(engine, chains, fused, samples));
    }
  }
  const copyKernel: RooflineTest[] = [];
  for (const [from, to] of PLACES[engine.plan.form]) {
    for (const across of [false, true]) {
      copyKernel.push(await timeCopyKernel(engine, from, to, across, samples));
    }
  }
  const copyCommand = [await timeCopyCommand(engine, samples)];
  return { arithmetic, copyKernel, copyCommand, host: [copyOnHost(samples)] };
}

/** Where matrices of a program can lie in a plan of a form: operands as the plan says, others in buffers. */
const PLACES: Record<OperandForm, [from: OperandForm, to: OperandForm][]> = {
  image: [["image", "image"], ["image", "buffer"], ["buffer", "buffer"]],
  buffer: [["buffer", "buffer"]],
};

const SHAPE = { rows: SIDE, columns: SIDE };

async function timeCopyKernel(
  engine: Engine,
  from: OperandForm,
  to: OperandForm,
  across: boolean,
  samples: number,
): Promise<RooflineTest> {
  const place = (form: OperandForm, name: string) =>
    (form === "buffer" ? stateTensor : ownTensor)(engine, name, SHAPE);
  const [x, y] = [place(from, "x"), place(to, "y")];
  const program = compile(engine, (tape) =>
    tape.dispatch("roofline_copy", {
      matrices: { x, y },
      sizes: { rows: SIDE, width4: x.width4 },
      constants: { ACROSS: across ? 1 : 0 },
      grid: across ? [SIDE, 1] : rowGrid(tape, SIDE),
    }));
  const milliseconds = await sample(engine, program, samples);
  const work = x.matrix!.bytes + y.matrix!.bytes;
  program.destroy();
  for (const tensor of [x, y]) freeTensor(engine, tensor);
  const what = `${from} to ${to}, a row ${across ? "a workgroup" : "an invocation"}`;
  return { what, work, milliseconds };
}

/** The device's own copy, which has no timestamps. */
async function timeCopyCommand(engine: Engine, samples: number): Promise<RooflineTest> {
  const { device, plan: { form } } = engine;
  const [x, y] = ["x", "y"].map((name) => ownTensor(engine, name, SHAPE).matrix!);
  const run = () => {
    const encoder = device.createCommandEncoder();
    if (form === "image") {
      const size = [x.width4, SIDE];
      encoder.copyTextureToTexture({ texture: x.texture! }, { texture: y.texture! }, size);
    } else {
      encoder.copyBufferToBuffer(x.buffer!, 0, y.buffer!, 0, x.bytes);
    }
    device.queue.submit([encoder.finish()]);
  };
  const milliseconds = await sampleWall(device, run, samples);
  for (const matrix of [x, y]) {
    destroyMatrix(matrix);
    engine.memory.bytes -= matrix.bytes;
  }
  return { what: `${form} to ${form}`, work: x.bytes + y.bytes, milliseconds };
}

function compile(engine: Engine, trace: (tape: Tape) => void): Program {
  const tape = createTape(engine);
  trace(tape);
  return compileProgram(engine, tape.commands);
}

/** Times enough workgroups to be worth timing. */
async function timeChains(
  engine: Engine,
  chains: number,
  fused: boolean,
  samples: number,
): Promise<RooflineTest> {
  const most = engine.device.limits.maxComputeWorkgroupsPerDimension;
  for (let groups = 64;; groups *= 2) {
    const invocations = groups * engine.plan.lanes;
    const y = createArray(engine.device, invocations, "sums");
    const program = compile(engine, (tape) =>
      tape.dispatch("roofline_fma", {
        matrices: {},
        arrays: { y },
        sizes: { rounds: ROUNDS, factor: FACTOR, addend: ADDEND },
        constants: { CHAINS: chains, LINKS, FUSED: fused ? 1 : 0 },
        grid: [groups, 1],
        // A link is a multiplication and an addition on four lanes.
        flops: invocations * ROUNDS * LINKS * chains * 8,
      }));
    await wallTime(engine.device, program.run);
    const [first] = await sample(engine, program, 1, LEAST.seeking);
    const enough = first >= LEAST.run || 2 * groups > most;
    const milliseconds = enough ? await sample(engine, program, samples) : [];
    if (enough) checkSum(new Float32Array(await readBuffer(engine.device, y))[0], chains);
    program.destroy();
    y.destroy();
    if (enough) {
      const what = `${chains} ${chains === 1 ? "chain" : "chains"}, ${fused ? "fma()" : "* and +"}`;
      return { what, work: program.flops, milliseconds };
    }
  }
}

/**
 * Compares the sum that an invocation stored with the closed form of s = s * factor + addend: work
 * that was not done would show.
 */
function checkSum(got: number, chains: number): void {
  const rest = FACTOR ** (ROUNDS * LINKS);
  const limit = ADDEND / (1 - FACTOR);
  let expected = 0;
  for (let chain = 0; chain < chains; chain++) {
    for (let lane = 0; lane < 4; lane++) expected += rest * (chain + lane - limit) + limit;
  }
  // Rounding can add up to half a unit at each of 2^14 links.
  if (!(Math.abs(got / expected - 1) < 2e-3)) {
    throw new Error(`Cannot trust the arithmetic test: it gave ${got} in place of ${expected}`);
  }
}

/** Times a program by timestamps, or by the wall clock where there are none. */
async function sample(
  { device }: Engine,
  program: Program,
  samples: number,
  least = LEAST.wall,
): Promise<number[]> {
  if (!hasTimestamps(device)) return await sampleWall(device, program.run, samples, least);
  await gpuTime({ program });
  const times: number[] = [];
  for (let i = 0; i < samples; i++) times.push(await gpuTime({ program }));
  return times;
}

async function sampleWall(
  device: GPUDevice,
  run: () => void,
  samples: number,
  least = LEAST.wall,
): Promise<number[]> {
  const runs = await runsFor(device, run, least);
  const times: number[] = [];
  for (let i = 0; i < samples; i++) times.push(await wallTime(device, run, runs) / runs);
  return times;
}

function copyOnHost(samples: number): RooflineTest {
  const from = new Float32Array(SIDE * SIDE).fill(1);
  const to = new Float32Array(from.length);
  // The first copy meets fresh pages.
  to.set(from);
  const milliseconds = Array.from({ length: samples }, () => {
    const start = performance.now();
    to.set(from);
    return performance.now() - start;
  });
  return { what: "Float32Array.set, one thread", work: 2 * from.byteLength, milliseconds };
}

/** Work a second of a test, by its median. */
export function rate({ work, milliseconds }: RooflineTest): number {
  return work / (spread(milliseconds).median / 1000);
}

/** The roof: the best rate among tests. */
export function roof(tests: readonly RooflineTest[]): number {
  return Math.max(...tests.map(rate));
}

const KINDS: { kind: keyof RooflineRecord; name: string; unit: string }[] = [
  { kind: "arithmetic", name: "multiply-add in registers", unit: "GFLOP/s" },
  { kind: "copyKernel", name: "copy kernel", unit: "GB/s read and written" },
  { kind: "copyCommand", name: "copy command of the device", unit: "GB/s read and written" },
  { kind: "host", name: "memcpy of the host", unit: "GB/s read and written" },
];

/** The best test of each kind. */
export function renderRoofline(record: RooflineRecord): string {
  const rows = KINDS.map(({ kind, name, unit }) => {
    const best = record[kind].reduce((a, b) => rate(b) > rate(a) ? b : a);
    return { name, unit, best, times: spread(best.milliseconds) };
  });
  return table([
    { header: "Roof", cell: ({ name }) => name },
    { header: "Best form", cell: ({ best }) => best.what },
    { header: "Rate", align: "right", cell: ({ best }) => fixed(rate(best) / 1e9, 1) },
    { header: "Unit", cell: ({ unit }) => unit },
    { header: "ms", align: "right", cell: ({ times }) => fixed(times.median, 2) },
    {
      header: "Quartiles",
      align: "right",
      cell: ({ times }) => `${fixed(times.low, 2)} to ${fixed(times.high, 2)}`,
    },
  ], rows);
}
