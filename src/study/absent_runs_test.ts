import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { absentRuns } from "./absent_runs.ts";
import { expandGrid } from "./grid.ts";

Deno.test("a run is there when all of its stages are, whatever else the folder holds", async () => {
  await inTempFolder(async (dir) => {
    await Deno.mkdir(join(dir, "runs"));
    const write = (name: string) => Deno.writeTextFile(join(dir, "runs", name), "{}");
    const [baseline, cosine] = tinyStudy().arms;
    const runs = expandGrid(tinyStudy({
      arms: [
        { ...baseline, stages: ["projector", "projector+lora"] },
        { ...cosine, stages: ["projector"] },
      ],
      seeds: 1,
      controls: [],
    }));
    assert.deepEqual(await absentRuns(dir, runs), runs);
    await write("baseline_lambda-0_seed-1_projector.json");
    await write("cosine-constraint_lambda-1_seed-1.json");
    await write("cosine-constraint_lambda-0_seed-1.json.abcd.tmp");
    await write("cosine-constraint_lambda-0_seed-2.json");
    assert.deepEqual(await absentRuns(dir, runs), [runs[0], runs[1]]);
    await write("baseline_lambda-0_seed-1_projector+lora.json");
    assert.deepEqual(await absentRuns(dir, runs), [runs[1]]);
  });
});
