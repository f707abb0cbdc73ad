/** The comparison as Markdown: a pure function of the record. */
import { fixed, inWords } from "../../src/report/number_format.ts";
import { table } from "../../src/report/table.ts";
import { KERNELS, PEERS } from "./kernels.ts";
import type { Comparison, Failure, PeersRecord } from "./record.ts";

type Row = Comparison | Failure;

/** Renders adapter, table and notes. */
export function renderPeers(record: PeersRecord): string {
  const rows = sortRows([...record.ratios, ...record.failures]);
  return [
    heading(record),
    renderTable(rows),
    notes(record).map((note) => `- ${note}\n`).join(""),
  ].filter((part) => part !== "").join("\n");
}

function heading({ adapterDetails: { description, driver }, machine }: PeersRecord): string {
  return `Plumbline beside its peers on ${description} (${driver}); ${machine.processor}, ${machine.threads} threads, ${machine.system}, Deno ${machine.deno}.\n`;
}

/** By kernel, shape and peer, as the tables of `kernels.ts` have them. */
function sortRows(rows: Row[]): Row[] {
  const place = ({ kernel, shape, peer }: Row) => {
    const at = KERNELS.findIndex(({ name }) => name === kernel);
    return [at, KERNELS[at].shapes.indexOf(shape), PEERS.indexOf(peer)];
  };
  return rows.toSorted((a, b) => {
    const [p, q] = [place(a), place(b)];
    return p[0] - q[0] || p[1] - q[1] || p[2] - q[2];
  });
}

function renderTable(rows: Row[]): string {
  const of = (cell: (comparison: Comparison) => string | null) => (row: Row) =>
    "error" in row ? null : cell(row);
  return table<Row>([
    { header: "kernel", cell: ({ kernel }) => kernel },
    { header: "shape", cell: ({ shape }) => shape },
    { header: "peer", cell: ({ peer }) => peer },
    { header: "ratio", align: "right", cell: of(({ ratio }) => short(ratio)) },
    {
      header: "interval",
      align: "right",
      cell: of(({ low, high, coverage }) =>
        `${short(low)} to ${short(high)} (${fixed(100 * coverage, 0)} %)`
      ),
    },
    {
      header: "n",
      align: "right",
      cell: of(({ alternations }) => String(alternations)),
    },
    {
      header: "ours, ms",
      align: "right",
      cell: of(({ ours }) => short(ours.milliseconds)),
    },
    {
      header: "peer, ms",
      align: "right",
      cell: of(({ theirs }) => short(theirs.milliseconds)),
    },
    {
      header: "ours, GFLOP/s",
      align: "right",
      cell: of(({ ours }) => gflops(ours.gflops)),
    },
    {
      header: "peer, GFLOP/s",
      align: "right",
      cell: of(({ theirs }) => gflops(theirs.gflops)),
    },
    {
      header: "our error",
      align: "right",
      cell: of(({ ours }) => errorText(ours.error)),
    },
    {
      header: "peer's error",
      align: "right",
      cell: of(({ theirs }) => errorText(theirs.error)),
    },
    {
      header: "could not be compared",
      cell: (row) => "error" in row ? row.error : null,
    },
  ], rows);
}

/** Three digits that matter. */
function short(value: number): string {
  const decimals = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return fixed(value, Math.abs(value) < 1 ? 3 : decimals);
}

const gflops = (value: number | undefined) => value === undefined ? null : short(value);

const errorText = (value: number | null) => value === null ? null : value.toExponential(0);

function notes(
  { alternations, blas, trainingReference, ours, peers, ratios }: PeersRecord,
): string[] {
  const opened = PEERS.filter((peer) => peers[peer] !== undefined);
  const fewer = ratios.filter((comparison) => comparison.alternations < alternations);
  return [
    "Ratio: our throughput over the peer's, the median over alternations of the ratio of times; above 1 we are faster. The interval lies between order statistics of those ratios, with the probability that it covers the true median.",
    "Errors: the largest difference over the largest value, against float64; of large matrices 16 rows are compared.",
    ...(trainingReference === null ? [] : [
      `The losses of the first three training steps are compared with ${trainingReference}.`,
    ]),
    ...(fewer.length === 0 ? [] : [
      `${alternations} alternations were asked for; slow peers got fewer, column n says how many.`,
    ]),
    ...blasNotes({ blas, peers, ratios }),
    `Plumbline: ${ours.version}. ${opened.map((peer) => `${peer}: ${peers[peer]}`).join(". ")}.`,
  ];
}

/** What OpenBLAS takes the processor for, where that costs it speed. */
function blasNotes(
  { blas: { detected, better }, ratios }: Pick<
    PeersRecord,
    "blas" | "peers" | "ratios"
  >,
): string[] {
  if (better === null) return [];
  const speed = (peer: string) => {
    const speeds = ratios.filter((row) => row.peer === peer && row.theirs.gflops !== undefined)
      .map(({ theirs }) => theirs.gflops!);
    return speeds.length === 0 ? "" : ` (up to ${short(Math.max(...speeds))} GFLOP/s)`;
  };
  return [
    `OpenBLAS does not know this processor and takes it for ${detected}${
      speed("openblas")
    }: so run ${inWords(["openblas", "pytorch-cpu"])}. ${
      inWords(["openblas-best", "pytorch-cpu-best"])
    } run with OPENBLAS_CORETYPE=${better}${speed("openblas-best")}.`,
  ];
}
