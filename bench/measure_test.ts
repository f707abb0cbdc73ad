import assert from "node:assert/strict";
import { alternate, spread, timesOf } from "./measure.ts";
import type { BenchProgram } from "./programs.ts";

Deno.test("samples are summed up by median and quartiles", () => {
  assert.deepEqual(spread([5, 1, 3, 2, 4]), { low: 2, median: 3, high: 4 });
  assert.deepEqual(spread([7]), { low: 7, median: 7, high: 7 });
  assert.throws(() => spread([]), {
    name: "RangeError",
    message: "Cannot summarise samples: there are none",
  });
});

Deno.test("figures come from timestamps where there are any", () => {
  assert.deepEqual(timesOf({ wall: [3], gpu: [2] }), [2]);
  assert.deepEqual(timesOf({ wall: [3], gpu: null }), [3]);
});

/** A device that does nothing, and a program that notes what is asked of it. */
function fakes(timestamps: boolean) {
  const log: string[] = [];
  const device = {
    features: new Set(timestamps ? ["timestamp-query"] : []),
    queue: { onSubmittedWorkDone: () => Promise.resolve(void log.push("wait")) },
  } as unknown as GPUDevice;
  const program = (name: string) => ({
    run: () => log.push(name),
    program: {
      profile: () => {
        log.push(`profile ${name}`);
        return Promise.resolve([{ milliseconds: 2 }, { milliseconds: 3 }]);
      },
    },
  } as unknown as BenchProgram);
  return { log, device, program };
}

Deno.test("programs take turns after two runs to warm up, and the order turns each round", async () => {
  const { log, device, program } = fakes(true);
  const timings = await alternate(device, [program("a"), program("b")], { runs: 2, samples: 2 });
  assert.deepEqual(log, [
    ...["a", "wait", "a", "wait", "b", "wait", "b", "wait"],
    ...["a", "a", "wait", "profile a", "b", "b", "wait", "profile b"],
    ...["b", "b", "wait", "profile b", "a", "a", "wait", "profile a"],
  ]);
  assert.deepEqual(timings.map(({ wall, gpu }) => [wall.length, gpu]), [[2, [5, 5]], [2, [5, 5]]]);
});

Deno.test("without timestamps there is the wall clock only", async () => {
  const { log, device, program } = fakes(false);
  const [{ wall, gpu }] = await alternate(device, [program("a")], { runs: 1, samples: 3 });
  assert.deepEqual([wall.length, gpu], [3, null]);
  assert.ok(!log.includes("profile a"));
});
