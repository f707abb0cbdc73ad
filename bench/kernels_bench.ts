/**
 * `deno bench`: every kernel family beside its plain form as baseline.
 *
 * Plain is the same arithmetic on storage buffers with the smallest register block. Times are wall
 * clock from submit to the end of the work. A wait alone costs about 11 ms, so a small kernel runs
 * many times between two waits, in both forms as often, and the time stands for all of them; the
 * name says how many. Compare forms within a group, not times between groups.
 */
import { openGpu } from "../src/gpu/adapter.ts";
import { createEngine } from "../src/gpu/engine.ts";
import { chosenPlan, plainPlan } from "./plans.ts";
import { BENCHMARKS } from "./programs.ts";

const gpu = await openGpu();
const { device } = gpu;
const PLANS = [["plain", plainPlan(gpu)], ["chosen plan", chosenPlan(gpu)]] as const;

for (const { group, size, runs, prepare } of BENCHMARKS) {
  for (const [name, plan] of PLANS) {
    let run: (() => void) | undefined;
    Deno.bench({
      name: `${name}: ${runs} x ${size}`,
      group,
      baseline: name === "plain",
      n: 5,
      warmup: 1,
      async fn(b) {
        if (!run) {
          ({ run } = prepare(createEngine(device, plan)));
          // The first run compiles.
          run();
          await device.queue.onSubmittedWorkDone();
        }
        b.start();
        for (let i = 0; i < runs; i++) run();
        await device.queue.onSubmittedWorkDone();
        b.end();
      },
    });
  }
}
