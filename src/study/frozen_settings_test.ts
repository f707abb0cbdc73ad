import assert from "node:assert/strict";
import { join } from "node:path";
import { defaultPlan } from "../gpu/plan.ts";
import { exampleRun } from "../records/example_records.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import type { AblationSetting } from "./determinants.ts";
import { checkSettings, freezeSettings, readSettings } from "./frozen_settings.ts";
import { expandGrid } from "./grid.ts";

/** What settings are made of; the rest of data set, encoder and engine takes no part. */
function settingOf(changes: Parameters<typeof tinyStudy>[0] = {}): AblationSetting {
  const study = tinyStudy(changes);
  return {
    study,
    dataset: { name: "easy-shapes", contentHash: "d0" },
    encoder: { name: "patches", contentHash: "e0" },
    language: { name: "random", contentHash: null },
    engine: { plan: defaultPlan("image", true) },
    adapter: exampleRun().adapter,
    runs: expandGrid(study),
  } as AblationSetting;
}

const withSteps = (steps: number) => settingOf({ training: { ...tinyStudy().training, steps } });

Deno.test("a folder goes on with the settings that it was begun with, whatever its arms and seeds", async () => {
  await inTempFolder(async (out) => {
    checkSettings(out, settingOf());
    assert.equal(readSettings(out), null);
    await freezeSettings(out, settingOf());
    for (const same of [settingOf(), settingOf({ seeds: 5, arms: tinyStudy().arms.slice(0, 1) })]) {
      checkSettings(out, same);
      await freezeSettings(out, same);
    }
  });
});

Deno.test("other settings are refused in one line that says which and what to do, and nothing is changed", async () => {
  await inTempFolder(async (out) => {
    await freezeSettings(out, settingOf());
    const { adapter } = settingOf();
    const others: [AblationSetting, string][] = [
      [withSteps(5), "config.training.steps was 4, is 5"],
      [settingOf({ name: "other" }), 'study was "tiny", is "other"'],
      [{ ...settingOf(), from: "ab" }, 'config.from was undefined, is "ab"'],
      [
        { ...settingOf(), adapter: { ...adapter, driver: "new" } },
        `driver was "${adapter.driver}", is "new"`,
      ],
    ];
    const path = join(out, "settings.json");
    const before = await Deno.readTextFile(path);
    for (const [other, difference] of others) {
      const expected = {
        name: "RangeError",
        message: `Cannot go on: "${path}" has other settings (${difference}); ` +
          "choose another --out or add --fresh",
      };
      assert.throws(() => checkSettings(out, other), expected);
      await assert.rejects(freezeSettings(out, other), expected);
    }
    assert.equal(await Deno.readTextFile(path), before);
  });
});

Deno.test("of processes that begin at once with different settings the first one wins, and the others are refused", async () => {
  await inTempFolder(async (out) => {
    const begun = await Promise.allSettled(
      [1, 2, 3, 4].map((steps) => freezeSettings(out, withSteps(steps))),
    );
    assert.equal(begun.filter(({ status }) => status === "fulfilled").length, 1);
    const winner = 1 + begun.findIndex(({ status }) => status === "fulfilled");
    checkSettings(out, withSteps(winner));
  });
});

Deno.test("damaged settings are refused by name, with what to do", async () => {
  await inTempFolder(async (out) => {
    await freezeSettings(out, settingOf());
    const path = join(out, "settings.json");
    const text = await Deno.readTextFile(path);
    for (const damaged of [text.slice(0, 50), text.replace('"study"', '"studio"')]) {
      await Deno.writeTextFile(path, damaged);
      assert.throws(
        () => checkSettings(out, settingOf()),
        /^RangeError: Cannot read record: ".*settings.json".*; choose another --out or add --fresh$/,
      );
    }
  });
});
