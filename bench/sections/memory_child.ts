/** Trains a model of size `Deno.args[1]` for `Deno.args[0]` steps and prints the memory at some of them. */
import { openGpu } from "../../src/gpu/adapter.ts";
import { createEngine } from "../../src/gpu/engine.ts";
import { READ_EVERY } from "../../src/nn/loss_ring.ts";
import { chosenPlan } from "../plans.ts";
import { compileStep, type StepSize } from "../training_model.ts";
import { FIRST_STEP, type MemoryReading } from "./memory.ts";

const steps = Number(Deno.args[0]);
const size: StepSize = JSON.parse(Deno.args[1]);
const gpu = await openGpu({ quiet: true });
const engine = createEngine(gpu.device, chosenPlan(gpu));
const { step, write, run } = compileStep(engine, size);
const collect = (globalThis as { gc?: () => void }).gc!;
const parts = [0.1, 0.25, 0.5, 1].map((part) => Math.round(part * steps));
const at = new Set([FIRST_STEP, ...parts.filter((s) => s > FIRST_STEP)]);
const readings: MemoryReading[] = [];
for (let s = 1; s <= steps; s++) {
  write();
  run();
  if (s % READ_EVERY === 0 || at.has(s)) await step.readLosses();
  if (!at.has(s)) continue;
  // Garbage that is not collected yet says nothing about what is kept.
  collect();
  const { rss, heapUsed } = Deno.memoryUsage();
  readings.push({ step: s, rss, heap: heapUsed, engine: engine.memory.bytes });
}
console.log(JSON.stringify(readings));
Deno.exit();
