import assert from "node:assert/strict";
import { betterCore, blasEnvironment, processorFlags } from "./blas_core.ts";

const AVX512 = ["avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl"];

Deno.test("a core that OpenBLAS chose for want of knowledge is replaced by what the processor can do", () => {
  assert.equal(betterCore("Prescott", new Set(AVX512)), "SkylakeX");
  assert.equal(betterCore("Prescott", new Set(["avx2", "fma"])), "Haswell");
  assert.equal(betterCore("Nehalem", new Set(["sse4_2"])), null);
});

Deno.test("a core with vector units stands, whatever else the processor could", () => {
  for (const core of ["Haswell", "Zen", "SkylakeX", "Cooperlake", "Sandybridge", "ARMV8"]) {
    assert.equal(betterCore(core, new Set(AVX512)), null, core);
  }
});

Deno.test("flags are those of the first processor", () => {
  const flags = processorFlags(
    "processor\t: 0\nflags\t\t: fpu avx2 fma\n\nprocessor\t: 1\nflags\t\t: fpu\n",
  );
  assert.deepEqual([...flags], ["fpu", "avx2", "fma"]);
  assert.equal(processorFlags("Features : asimd\n").size, 0);
});

Deno.test("an environment keeps everything but the overrides of OpenBLAS", () => {
  const environment = { PATH: "/bin", OPENBLAS_CORETYPE: "Nehalem", OPENBLAS_L2_SIZE: "1" };
  assert.deepEqual(blasEnvironment(environment, null), { PATH: "/bin" });
  assert.deepEqual(blasEnvironment(environment, "SkylakeX"), {
    PATH: "/bin",
    OPENBLAS_CORETYPE: "SkylakeX",
  });
});
