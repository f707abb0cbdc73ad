import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { expandGrid } from "./grid.ts";
import { loadStudy, studyNames } from "./load.ts";

Deno.test("every study that comes with the project can be read, bears its file's name, and has runs", async () => {
  const names = await studyNames();
  assert.ok(names.includes("quick"));
  for (const name of names) {
    const study = await loadStudy(name, "unused");
    assert.equal(study.name, name);
    assert.ok(expandGrid(study).length > 0);
  }
});

Deno.test("an unknown study is refused with the nearest name", async () => {
  await assert.rejects(
    loadStudy("quik", "."),
    /^RangeError: Unknown study "quik"; did you mean "quick"\?/,
  );
});

Deno.test("a study file is found from the caller's folder or by its full path", async () => {
  await inTempFolder(async (dir) => {
    await Deno.writeTextFile(join(dir, "mine.json"), JSON.stringify(tinyStudy()));
    for (const path of ["mine.json", "./mine.json", join(dir, "mine.json")]) {
      assert.deepEqual(await loadStudy(path, dir), tinyStudy());
    }
  });
});

Deno.test("a study that comes with the project bears its file's name, one elsewhere any", async () => {
  await inTempFolder(async (dir) => {
    const text = JSON.stringify(tinyStudy());
    for (const name of ["tiny", "copy"]) await Deno.writeTextFile(join(dir, `${name}.json`), text);
    assert.deepEqual(await loadStudy("tiny", ".", dir), tinyStudy());
    for (const name of ["copy", join(dir, "copy.json")]) {
      await assert.rejects(loadStudy(name, ".", dir), {
        name: "TypeError",
        message:
          `Cannot read study ${name}: "name": is "tiny", must be "copy" as its file is called`,
      });
    }
    assert.deepEqual(await loadStudy("copy.json", dir), tinyStudy());
  });
});

Deno.test("a study file that is not there, a folder, or no JSON is refused by name", async () => {
  await inTempFolder(async (dir) => {
    await assert.rejects(
      loadStudy("mine.json", dir),
      /^RangeError: Cannot read study mine.json: there is no such file$/,
    );
    await assert.rejects(loadStudy("./", dir), /^RangeError: Cannot read study .\/: /);
    const text = JSON.stringify(tinyStudy());
    await Deno.writeTextFile(join(dir, "half.json"), text.slice(0, text.length / 2));
    await assert.rejects(
      loadStudy("half.json", dir),
      /^SyntaxError: Cannot read study half.json: it is no JSON \(.+\)$/,
    );
    await Deno.writeTextFile(join(dir, "huge.json"), " ".repeat(1_000_001));
    await assert.rejects(
      loadStudy("huge.json", dir),
      /^RangeError: Cannot read study huge.json: it has 1000001 bytes, more than 1000000$/,
    );
  });
});
