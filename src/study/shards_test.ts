import assert from "node:assert/strict";
import fc from "fast-check";
import { tinyStudy } from "../testing/tiny_study.ts";
import { expandGrid } from "./grid.ts";
import { loadStudyData, outlineStudy } from "./prepare.ts";
import { chainsOf, parseShard, shardRuns, shareOf } from "./shards.ts";

const study = tinyStudy();
const [baseline, , self] = study.arms;

const stages = ["projector", "projector+lora"];

/** A study with arms that differ in length, one of them taught for two rounds. */
const mixed = (seeds: number) =>
  tinyStudy({
    arms: [
      { ...baseline, stages },
      { ...self, stages, lambda: [0, 1] },
      { ...baseline, name: "taught", stages: ["projector"], rounds: { count: 2, xi: 0.5 } },
    ],
    seeds,
  });

const shardsOf = (
  runs: ReturnType<typeof expandGrid>,
  count: number,
  secondsOf: Parameters<typeof shardRuns>[2] = ({ stages }) => stages.length,
) => Array.from({ length: count }, (_, i) => shardRuns(runs, { index: i + 1, count }, secondsOf));

Deno.test("a shard is read as i/n, and nothing else is one", () => {
  assert.deepEqual(parseShard("1/1"), { index: 1, count: 1 });
  assert.deepEqual(parseShard("03/12"), { index: 3, count: 12 });
  for (const text of ["", "1", "0/4", "5/4", "1/0", "-1/4", "1.5/4", "1/4/4", "a/b", "1/1e3"]) {
    assert.throws(() => parseShard(text), {
      name: "RangeError",
      message: `Cannot read shard "${text}": it must be i/n with i from 1 to n, as in 2/8`,
    });
  }
});

Deno.test("every run is in one shard, rounds stay together and in order, loads are balanced", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 30 }),
      fc.array(fc.double({ min: 0.1, max: 100, noNaN: true }), { minLength: 3, maxLength: 3 }),
      (seeds, count, costs) => {
        const runs = expandGrid(mixed(seeds));
        const secondsOf = ({ arm }: { arm: string }) =>
          costs[["baseline", "taught"].indexOf(arm) + 1];
        const shards = shardsOf(runs, count, secondsOf);
        assert.deepEqual(new Set(shards.flat()), new Set(runs));
        assert.equal(shards.flat().length, runs.length);
        for (const shard of shards) {
          assert.deepEqual(shard, runs.filter((run) => shard.includes(run)));
        }
        const chains = chainsOf(runs);
        for (const chain of chains) {
          assert.equal(
            shards.filter((shard) => chain.some((run) => shard.includes(run))).length,
            1,
          );
        }
        const load = (part: typeof runs) => part.reduce((sum, run) => sum + secondsOf(run), 0);
        const longest = Math.max(...chains.map(load));
        const most = Math.max(...shards.map(load));
        // No schedule is shorter than its longest part or the mean; Graham's bound holds for both.
        assert.ok(most <= load(runs) / count + longest * (1 - 1 / count) + 1e-9);
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("rounds and both stages of a run are one chain", () => {
  const chains = chainsOf(expandGrid(mixed(1)));
  assert.deepEqual(chains.map((chain) => chain.map(({ arm, round }) => `${arm} ${round}`)), [
    ["baseline 0"],
    ["self-distillation 0"],
    ["self-distillation 0"],
    ["taught 0", "taught 1", "taught 2"],
    ["question-only 0"],
  ]);
});

Deno.test("with as many shards as chains each has one, and further shards are empty", () => {
  const shards = shardsOf(expandGrid(mixed(1)), 7);
  assert.deepEqual(shards.map(({ length }) => length), [3, 1, 1, 1, 1, 0, 0]);
});

Deno.test("runs that cost alike are dealt in turn, seed by seed", () => {
  const shards = shardsOf(expandGrid(tinyStudy({ seeds: 2 })), 3, () => 1);
  assert.deepEqual(shards.map((shard) => shard.map(({ seed }) => seed)), [
    [1, 1, 2, 2],
    [1, 1, 2, 2],
    [1, 1, 2, 2],
  ]);
});

Deno.test("shares go by estimated time: a run of a hundred times the steps stands alone", async () => {
  const uneven = tinyStudy({
    arms: [{ ...baseline, name: "short" }, { ...baseline, name: "long", stages: ["long"] }],
    stages: [{ name: "long", train: ["P1"], draw: [], training: { steps: 400 } }],
    seeds: 1,
  });
  const outline = await outlineStudy(uneven, await loadStudyData(uneven, {}), "unused");
  const runs = expandGrid(uneven);
  const share = (index: number) => shareOf(runs, { index, count: 2 }, outline);
  assert.deepEqual(share(1).map(({ arm }) => arm), ["long"]);
  assert.equal(share(2).length, runs.length - 1);
});
