/** The diagnosis as text for the terminal. */
import { RAISED_LIMITS } from "../gpu/adapter.ts";
import { CACHE_PARTS, type CachePart } from "../gpu/cache.ts";
import type { SelfTestResult } from "../self_test/self_test.ts";
import { megabytes } from "./format.ts";

/** Everything that `doctor` finds; printed as it is with `--json`. */
export interface Diagnosis {
  /** null if no adapter can be opened; `problem` says why. */
  adapter: {
    description: string;
    vendor: string;
    architecture: string;
    software: boolean;
    operandForm: string;
    features: string[];
    limits: Record<string, number>;
  } | null;
  driver: { kind: string; description: string; version: string | null } | null;
  problem: string | null;
  selfTest: SelfTestResult[];
  /** What `--adapter` can name, beside the software drivers that it can fetch. */
  adapters: { description: string; driver: string }[];
  cache: { dir: string; bytes: number; parts: Record<CachePart, number> };
  advice: string[];
}

/** Lays out a diagnosis in sections. */
export function formatDiagnosis(
  { adapter, driver, problem, selfTest, adapters, cache, advice }: Diagnosis,
): string {
  const width = Math.max(...selfTest.map(({ kernel }) => kernel.length));
  const sections: [title: string, lines: string[]][] = [
    [
      "Adapter",
      adapter
        ? [
          `${adapter.description}${adapter.software ? " (software)" : ""}`,
          ...row("vendor", [adapter.vendor, adapter.architecture].filter(Boolean).join(" ")),
          ...row("operands", adapter.operandForm),
          ...row("features", adapter.features.join(" ")),
        ]
        : ["none"],
    ],
    [
      "Driver",
      driver ? [driver.description, ...row("version", driver.version ?? "unknown")] : ["none"],
    ],
    ["Problem", problem ? [problem] : []],
    [
      "Limits (all of them with --json)",
      RAISED_LIMITS.flatMap((name) =>
        adapter ? row(name, adapter.limits[name].toLocaleString("en")) : []
      ),
    ],
    [
      "Kernel self-test",
      selfTest.map(({ kernel, maxError, tolerance, passed }) =>
        `${passed ? "ok    " : "FAILED"}  ${kernel.padEnd(width)} off by ${
          maxError.toExponential(1)
        }, allowed ${tolerance.toExponential(1)}`
      ),
    ],
    ["Adapters for --adapter", [
      ...adapters.map(({ description, driver }) => `${description}: ${driver}`),
      ...Deno.build.os === "linux"
        ? ["lavapipe, swiftshader: fetched where they are not there"]
        : [],
    ]],
    [`Cache ${cache.dir}`, [
      ...(Object.entries(cache.parts) as [CachePart, number][])
        .map(([part, bytes]) =>
          `${megabytes(bytes, 1).padStart(10)}  ${part.padEnd(8)}  ${CACHE_PARTS[part]}`
        ),
      `${
        megabytes(cache.bytes, 1).padStart(10)
      }  in all; removed by \`deno task doctor --clear-cache\``,
    ]],
    ["For more speed", advice],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [title, ...lines.map((line) => `  ${line}`)].join("\n"))
    .join("\n\n");
}

function row(name: string, value: string): string[] {
  return value ? [`${name.padEnd(36)}  ${value}`] : [];
}
