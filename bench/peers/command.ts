/** `deno task bench:peers`: its options, and from them to a table or a record. */
import { Command, CommanderError, InvalidArgumentError } from "@commander-js/extra-typings";
import { callerPath } from "../../src/cli/paths.ts";
import { replaceFile } from "../../src/data/replace_file.ts";
import { closest } from "../../src/study/closest.ts";
import { describeOrigin } from "../origin.ts";
import { FEWEST_ALTERNATIONS } from "./alternate.ts";
import { compare } from "./compare.ts";
import { type KernelName, KERNELS, type PeerName, PEERS } from "./kernels.ts";
import type { ChildPeer } from "./line_child.ts";
import { openOurs } from "./ours.ts";
import { type BlasCores, defaultPeers, detectBlasCores, peerOpeners } from "./peers.ts";
import { type PeersRecord, SCHEMA_VERSION } from "./record.ts";
import { renderPeers } from "./render.ts";
import type { Peer } from "./subject.ts";

/** Exit code of a command line that cannot be understood. */
const USAGE = 2;

/** What was asked for. */
export interface PeersOptions {
  json?: true;
  out?: string;
  kernels?: KernelName[];
  peers?: PeerName[];
  alternations: number;
}

/** Reads the command line. */
export function parseOptions(args: string[]): PeersOptions {
  return peersCommand().parse(args, { from: "user" }).opts();
}

/** The command and its options. */
function peersCommand() {
  return new Command("bench:peers")
    .description("Compare the speed of Plumbline's kernels with other libraries, in turn")
    .allowExcessArguments(false)
    .option("--json", "print the record as JSON instead of a table")
    .option("--out <file>", "save the record, raw samples included")
    .option(
      "--kernels <names>",
      `some of ${KERNELS.map(({ name }) => name).join(", ")}`,
      namesOf("kernel", KERNELS.map(({ name }) => name)),
    )
    .option(
      "--peers <names>",
      `some of ${PEERS.join(", ")}`,
      namesOf("peer", PEERS),
    )
    .option(
      "--alternations <n>",
      `samples of each side; slow peers get fewer, at least ${FEWEST_ALTERNATIONS}`,
      alternationCount,
      7,
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => print(text.trimEnd()),
      outputError: (text) => console.error(text.trim().replace(/\s*\n\s*/g, " ")),
    });
}

function namesOf<Name extends string>(what: string, known: readonly Name[]) {
  return (text: string): Name[] =>
    text.split(",").map((word) => {
      const name = known.find((name) => name === word.trim());
      if (name) return name;
      throw new InvalidArgumentError(`There is no ${what} "${word.trim()}"${closest(word, known)}`);
    });
}

function alternationCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= FEWEST_ALTERNATIONS) return count;
  throw new InvalidArgumentError(`It is a whole number from ${FEWEST_ALTERNATIONS} up`);
}

/** Runs a command line. */
export async function main(args: string[]): Promise<void> {
  let options: PeersOptions;
  try {
    options = parseOptions(args);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what is wrong, or printed the help that was asked for.
    Deno.exitCode = error.exitCode === 0 ? 0 : USAGE;
    return;
  }
  // Standard output carries the result only; what libraries print goes to standard error.
  console.log = console.info = console.error;
  const record = await runComparison(options);
  print(options.json ? JSON.stringify(record, null, 2) : renderPeers(record).trimEnd());
}

function print(text: string): void {
  const bytes = new TextEncoder().encode(text + "\n");
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

async function runComparison({ kernels, peers, alternations, out }: PeersOptions) {
  const save = async () => {
    if (out) {
      await replaceFile(
        callerPath(out),
        JSON.stringify(record, null, 2) + "\n",
      );
    }
  };
  const blas = await detectBlasCores();
  const ours = await openOurs();
  const { adapter, version } = ours;
  const record: PeersRecord = {
    schemaVersion: SCHEMA_VERSION,
    environment: await describeOrigin(adapter),
    adapter: adapter.description,
    adapterDetails: adapter,
    machine: await describeMachine(),
    blas,
    trainingReference: null,
    alternations,
    ours: { version },
    peers: {},
    ratios: [],
    failures: [],
  };
  // A path that cannot be written is better known before than after.
  await save();
  const openPeers = createOpenPeers(blas, record);
  const selection = {
    kernels: kernels ?? KERNELS.map(({ name }) => name),
    peers: peers ?? defaultPeers(blas),
    alternations,
  };
  await compare(ours, openPeers, selection, {
    async onRatio(comparison) {
      const { kernel, shape, peer, ratio, low, high } = comparison;
      const [r, l, h] = [ratio, low, high].map((value) => value.toPrecision(3));
      console.error(`${kernel} ${shape}, ${peer}: ${r} (${l} to ${h})`);
      record.ratios.push(comparison);
      await save();
    },
    async onFailure(failure) {
      console.error(`${failure.kernel} ${failure.shape}, ${failure.peer}: ${failure.error}`);
      record.failures.push(failure);
      await save();
    },
  });
  await openPeers.close();
  await save();
  return record;
}

/** Peers that are opened at first use and noted in the record. */
function createOpenPeers(blas: BlasCores, record: PeersRecord) {
  const openers = peerOpeners(blas);
  const opened = new Map<PeerName, Promise<Peer>>();
  const open = async (name: PeerName): Promise<Peer> => {
    if (!opened.has(name)) opened.set(name, keepWorker(openers[name]));
    const peer = await opened.get(name)!;
    record.peers[name] = peer.version;
    return peer;
  };
  return {
    open,
    async reference(): Promise<ChildPeer | null> {
      const peer = await open("pytorch-cpu").catch(() => null) as ChildPeer | null;
      record.trainingReference = peer ? "those of PyTorch in float64" : "ours: no PyTorch is here";
      return peer;
    },
    async close() {
      for (const peer of opened.values()) {
        await peer.then((peer) => peer.close()).catch(() => {});
      }
    },
  };
}

/** onnxruntime-web puts Node's Worker where jax-js looks for the web's. */
async function keepWorker(open: () => Promise<Peer>): Promise<Peer> {
  const { Worker } = globalThis;
  try {
    return await open();
  } finally {
    globalThis.Worker = Worker;
  }
}

async function describeMachine(): Promise<PeersRecord["machine"]> {
  const cpuinfo = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  return {
    processor: cpuinfo.match(/^model name\s*:\s*(.*)$/m)?.[1] ??
      Deno.build.arch,
    threads: navigator.hardwareConcurrency,
    system: Deno.build.os,
    deno: Deno.version.deno,
  };
}
