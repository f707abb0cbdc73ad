import assert from "node:assert/strict";
import { exampleRecord } from "./example_record.ts";
import { describeOrigin, renderOrigin } from "./origin.ts";

const { environment } = exampleRecord();

Deno.test("a file of another commit or adapter says so, one of the same says nothing", () => {
  const say = (changes: Partial<typeof environment>) =>
    renderOrigin("growth.json", { ...environment, ...changes }, environment);
  assert.equal(
    say({ commit: "fedcba9", time: "2027-01-02T00:00:00.000Z" }),
    "`growth.json` is of commit fedcba9, begun 2027-01-02T00:00:00.000Z, on Some GPU.\n",
  );
  const adapter = { ...environment.adapter, description: "Other GPU" };
  assert.match(say({ adapter }), /of commit 0123abc, .* on Other GPU\.\n$/);
  assert.equal(say({ time: "2027-01-02T00:00:00.000Z" }), "");
});

Deno.test("a file that keeps no origin says that it was not recorded", () => {
  assert.equal(
    renderOrigin("peers.json", undefined, environment),
    "Commit and time of `peers.json`: not recorded.\n",
  );
});

Deno.test("an origin has the time, the commit and the adapter", async () => {
  const before = new Date().toISOString();
  const { time, commit, adapter } = await describeOrigin(environment.adapter);
  assert.ok(time >= before && time <= new Date().toISOString(), time);
  assert.match(commit, /^([0-9a-f]{40}( with local changes)?|unknown)$/);
  assert.deepEqual(adapter, environment.adapter);
});
