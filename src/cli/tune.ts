/** `tune`: times the register blocks of a study's products and shows what it chose. */
import { Command } from "@commander-js/extra-typings";
import { cacheDir, cachePart } from "../gpu/cache.ts";
import { expandGrid } from "../study/grid.ts";
import { loadStudy } from "../study/load.ts";
import { loadStudyData, outlineStudy } from "../study/prepare.ts";
import { tuneStudy } from "../tuning/tune_study.ts";
import { openEngine } from "./open_engine.ts";
import { orInvalid } from "./or_invalid.ts";
import { callerDir, namedPath } from "./paths.ts";
import { formatTuned } from "./tune_format.ts";

/** The command. */
export function tuneCommand() {
  return new Command("tune")
    .description("Time the kernel forms of a study's matrix products and keep the fastest")
    .argument("[study]", "a study under ablations/, or the path of a study file", "quick")
    .option(
      "--adapter <name>",
      "system, lavapipe, swiftshader, or part of an adapter's description",
    )
    .option(
      "--data-dir <dir>",
      "folder of a data set in its official layout",
      orInvalid(namedPath),
    )
    .option("--fresh", "measure again what is known")
    .option("--half", "also try tiles in half precision, where the adapter has it")
    .option("--json", "print what was measured as JSON")
    .action(async (name, { adapter: asked, dataDir, fresh, half, json }) => {
      const study = await loadStudy(name, callerDir());
      const data = await outlineStudy(study, await loadStudyData(study, { dataDir }), cacheDir());
      const { engine: untuned, record } = await openEngine(asked, console.error);
      const started = performance.now();
      const { engine, tuned } = await tuneStudy(untuned, record, expandGrid(study), data, {
        folder: cachePart("kernels"),
        fresh,
        half,
        // Who asks for it by name has more patience than who waits for a study to begin.
        seconds: 60,
        candidates: 8,
        say: console.error,
      });
      const seconds = (performance.now() - started) / 1000;
      const result = { adapter: record, plan: engine.plan, seconds, tuned };
      console.log(json ? JSON.stringify(result) : formatTuned(result));
    });
}
