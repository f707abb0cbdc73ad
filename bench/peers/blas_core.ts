/**
 * Which processor OpenBLAS takes the machine for, and which it should.
 *
 * A build that does not know a processor falls back to one without vector units of the last fifteen
 * years, at a fraction of the speed. OPENBLAS_CORETYPE overrides its choice; some machines set it,
 * to a core that may not be the fastest. So peers that rest on OpenBLAS run as it chooses by itself,
 * with the variable unset, and where that is such a fall-back, beside it as it would on a core that
 * it knows: `openblas-best` and `pytorch-cpu-best`.
 */

/** Variables that change what OpenBLAS chooses. */
const OVERRIDES = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"];

/** x86-64 cores of OpenBLAS without AVX (its cpuid_x86.c). */
const WITHOUT_AVX = new Set([
  "Prescott",
  "Core2",
  "Penryn",
  "Dunnington",
  "Nehalem",
  "Atom",
  "Athlon",
  "Opteron",
  "Opteron_SSE3",
  "Barcelona",
  "Bobcat",
  "Nano",
]);

/**
 * The core type that suits the processor when OpenBLAS fell back to one without AVX; null when its
 * own choice stands.
 *
 * @param core what OpenBLAS chose
 * @param flags what the processor can do, in the names of /proc/cpuinfo
 */
export function betterCore(
  core: string,
  flags: ReadonlySet<string>,
): string | null {
  if (!WITHOUT_AVX.has(core)) return null;
  if (
    ["avx512f", "avx512dq", "avx512bw", "avx512vl"].every((flag) => flags.has(flag))
  ) {
    return "SkylakeX";
  }
  return flags.has("avx2") && flags.has("fma") ? "Haswell" : null;
}

/** The flags of the first processor in the text of /proc/cpuinfo. */
export function processorFlags(cpuinfo: string): Set<string> {
  return new Set(cpuinfo.match(/^flags\s*:\s*(.*)$/m)?.[1].split(/\s+/) ?? []);
}

/** An environment in which OpenBLAS chooses by itself, or computes for `core`. */
export function blasEnvironment(
  environment: Readonly<Record<string, string>>,
  core: string | null,
): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => !OVERRIDES.includes(name));
  return {
    ...Object.fromEntries(kept),
    ...(core !== null && { OPENBLAS_CORETYPE: core }),
  };
}

/** Lets OpenBLAS choose by itself in this process; call it before the library is loaded. */
export function unsetOverrides(): void {
  for (const name of OVERRIDES) Deno.env.delete(name);
}
