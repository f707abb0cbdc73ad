/**
 * Embedding statistics as JSON and Markdown.
 */
import type { Geometry, MeasuredMatrix } from "../evaluation/embedding_geometry.ts";
import type { MatrixGeometry, PairGeometry } from "../records/record.ts";
import { count, fixed } from "../report/number_format.ts";
import { type Column, table } from "../report/table.ts";

/** What was measured, on the GPU as well. */
interface Measured extends Geometry {
  pairs: PairGeometry & {
    /** Mean cosine of Z and P2(Z) for a P2 trained on other rows of it; absent unless asked for. */
    freshP2Cosine?: number;
  };
}

/** Statistics of one matrix: key, field, and how the table calls it. */
const OF_MATRIX: [key: string, field: keyof MatrixGeometry, title: string][] = [
  ["effective_rank", "effectiveRank", "Effective rank"],
  ["effective_rank_centred", "effectiveRankCentred", "Effective rank, centred"],
  ["rank_me", "rankMe", "RankMe"],
  ["participation_ratio", "participationRatio", "Participation ratio"],
  ["average_cosine", "averageCosine", "Average cosine"],
  ["uniformity", "uniformity", "Uniformity"],
  ["collapse_gauge", "collapseGauge", "Collapse gauge"],
  ["collapse_gauge_population", "collapseGaugePopulation", "Collapse gauge, by n"],
  ["iso_score", "isoScore", "IsoScore"],
];

/** Statistics of pairs of matrices: key, value, and how the table calls it. */
const OF_PAIRS: [
  key: string,
  value: (pairs: Measured["pairs"]) => number | null | undefined,
  title: string,
][] = [
  ["alignment Z Zp", ({ alignment }) => alignment, "Alignment of Z and its transformation"],
  [
    "mean_cosine Z Zp",
    ({ meanCosine }) => meanCosine,
    "Mean cosine of Z and its transformation",
  ],
  ["fresh_p2_cosine Z", ({ freshP2Cosine }) => freshP2Cosine, "Cosine of Z and a fresh P2(Z)"],
  ["linear_cka X Z", ({ linearCka }) => linearCka, "Linear CKA of X and Z"],
  ["knor@5 X Z", ({ neighbourOverlap5 }) => neighbourOverlap5, "KNOR@5 of X and Z"],
  ["knor@10 X Z", ({ neighbourOverlap10 }) => neighbourOverlap10, "KNOR@10 of X and Z"],
  ["modality_gap Z T", ({ modalityGap }) => modalityGap, "Modality gap of Z and T"],
  ["norm_ratio Z T", ({ normRatio }) => normRatio, "Norm ratio of Z and T"],
  ["ridge_r2 Z->X uniform", ({ ridgeR2 }) => ridgeR2.uniform, "Ridge R² of X from Z"],
  [
    "ridge_r2 Z->X variance_weighted",
    ({ ridgeR2 }) => ridgeR2.varianceWeighted,
    "Ridge R² of X from Z, weighted by variance",
  ],
];

/** Statistics over pairs of rows, which a sample of rows may stand for. */
const SAMPLED = ["uniformity", "knor@5 X Z", "knor@10 X Z"];

type Named = [name: "X" | "Z" | "T", matrix: MeasuredMatrix];

function matricesOf({ x, projected, text }: Measured): Named[] {
  return [["X", x], ["Z", projected], ...(text ? [["T", text] satisfies Named] : [])];
}

/**
 * The statistics as a JSON object. `sampled` names the rows of each matrix beside which all rows were
 * looked at, and the statistics that rest on them; it is null where all pairs count.
 */
export function statisticsJson(geometry: Measured): Record<string, unknown> {
  const matrices = matricesOf(geometry);
  const sampled = matrices.filter(([, { sampled }]) => sampled !== null);
  return {
    shapes: Object.fromEntries(
      matrices.map(([name, { statistics: { rows, width } }]) => [name, [rows, width]]),
    ),
    ...Object.fromEntries(matrices.map(([name, { statistics }]) => [
      name,
      Object.fromEntries(OF_MATRIX.map(([key, field]) => [key, statistics[field]])),
    ])),
    pairs: Object.fromEntries([
      ...OF_PAIRS.map(([key, value]) => [key, value(geometry.pairs)])
        .filter(([, value]) => value !== undefined),
      ["linear_cka X X", geometry.linearCkaOfX],
    ]),
    ridge: { lambda: geometry.ridge.lambda, train_rows: geometry.ridge.trainRows },
    sampled: sampled.length === 0 ? null : {
      statistics: SAMPLED,
      rows: Object.fromEntries(sampled.map(([name, { sampled }]) => [name, sampled])),
    },
  };
}

/** The statistics as Markdown: a table of the matrices, one of their pairs, and what they rest on. */
export function statisticsMarkdown(geometry: Measured): string {
  const matrices = matricesOf(geometry);
  const matrixColumns: Column<typeof OF_MATRIX[number]>[] = [
    { header: "Statistic", cell: ([, , title]) => title },
    ...matrices.map(([name, { statistics }]): Column<typeof OF_MATRIX[number]> => ({
      header: `${name}, ${count(statistics.rows)} x ${count(statistics.width)}`,
      align: "right",
      cell: ([, field]) => fixed(statistics[field], 4),
    })),
  ];
  const pairColumns: Column<typeof OF_PAIRS[number]>[] = [
    { header: "Statistic", cell: ([, , title]) => title },
    {
      header: "Value",
      align: "right",
      cell: ([, value]) => {
        const number = value(geometry.pairs);
        return number === undefined || number === null ? null : fixed(number, 4);
      },
    },
  ];
  const known = OF_PAIRS.filter(([, value]) => (value(geometry.pairs) ?? null) !== null);
  return [
    table(matrixColumns, OF_MATRIX),
    table(pairColumns, known),
    notes(geometry),
  ].join("\n");
}

function notes(geometry: Measured): string {
  const { lambda, trainRows } = geometry.ridge;
  const samples = matricesOf(geometry).flatMap(([name, { sampled, statistics }]) =>
    sampled === null
      ? []
      : [`${count(sampled.length)} of ${count(statistics.rows)} rows of ${name}`]
  );
  return [
    `Ridge regression: λ = ${lambda}, learnt from the first ${
      count(trainRows)
    } rows, tested on the rest.`,
    ...(samples.length > 0
      ? [
        `Uniformity and KNOR rest on pairs of some rows, drawn once, with all rows: ${
          samples.join("; ")
        }.`,
      ]
      : []),
  ].join("\n");
}
