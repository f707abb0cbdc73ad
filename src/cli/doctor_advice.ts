/** What to install for more speed, from what is there. */
import { basename } from "node:path";

/** What the advice depends on. */
export interface Situation {
  /** Kind of the driver in use; null if there is none. */
  driver: string | null;
  /** Whether the adapter computes on the CPU. */
  software: boolean;
  /** ICD manifests of the system's Vulkan drivers. */
  icds: string[];
  os?: typeof Deno.build.os;
}

const RULES: { holds(situation: Situation): boolean; advice(situation: Situation): string }[] = [
  {
    holds: ({ driver }) => driver === "swiftshader",
    advice: () =>
      "SwiftShader is several times slower than lavapipe: install it for the system " +
      "(Debian and Ubuntu: apt-get install mesa-vulkan-drivers), or run " +
      "`deno task doctor --adapter lavapipe` where the package archive can be reached",
  },
  {
    holds: ({ driver, icds }) => driver !== "system" && icds.length > 0,
    advice: ({ icds }) =>
      `The system has Vulkan drivers (${
        icds.map((path) => basename(path)).join(", ")
      }) but none gives an adapter: ` +
      "install the Vulkan loader (Debian and Ubuntu: libvulkan1) and see that you may open /dev/dri or /dev/nvidia*",
  },
  {
    holds: ({ software, os = Deno.build.os }) => software && os === "linux",
    advice: () =>
      "The CPU does the work of a GPU here. With a GPU, install its Vulkan driver " +
      "(Debian and Ubuntu: mesa-vulkan-drivers for AMD and Intel, nvidia-driver for NVIDIA)",
  },
  {
    holds: ({ software, os = Deno.build.os }) => software && os !== "linux",
    advice: () => "The CPU does the work of a GPU here. With a GPU, install its newest driver",
  },
];

/** Advice that applies, most useful first; empty when a GPU is in use. */
export function advise(situation: Situation): string[] {
  return RULES.filter(({ holds }) => holds(situation)).map(({ advice }) => advice(situation));
}
