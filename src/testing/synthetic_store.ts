/**
 * What a study's folder does when it is large: writes made-up records, then times listing them as a
 * study that goes on does, and the report.
 *
 *     deno run -A src/testing/synthetic_store.ts 100000
 *
 * Prints seconds, the largest resident set and the bytes of a record as JSON. Records are those of
 * `example_records.ts`: 50 values of lambda with a growing number of seeds, 300 answers each.
 */
import { join } from "node:path";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import { packAnswers } from "../records/packed_answers.ts";
import { readRecords } from "../records/read_records.ts";
import { recordText } from "../records/write_record.ts";
import { writeReport } from "../report/write_report.ts";
import { inTempFolder } from "./temp_folder.ts";

/** Values of lambda. */
const POINTS = 50;
const QUESTIONS = 300;

/** One arm is compared, with the lambda that validation chooses, as in a sweep. */
const study = exampleStudy({
  config: { steps: 40, analysis: { primary: "paired-t", family: ["cosine-constraint"] } },
});

/** Writes a study of this many runs. */
async function writeStudy(dir: string, count: number): Promise<{ bytes: number }> {
  await Deno.mkdir(join(dir, "runs"));
  await Deno.mkdir(join(dir, "questions"));
  await Deno.writeTextFile(join(dir, "study.json"), JSON.stringify(study));
  let bytes = 0;
  let listed = false;
  for (let i = 0; i < count; i++) {
    const point = i % POINTS;
    const seed = 1 + Math.floor(i / POINTS);
    const color = 0.8 + 0.1 * Math.abs(Math.sin(seed)) + 0.001 * point;
    const right = (q: number) => Math.abs(Math.sin(1 + seed * 12.9898 + q * 78.233)) < color;
    const run = exampleRun({
      arm: point === 0 ? "baseline" : "cosine-constraint",
      lambda: point / 10,
      seed,
      color,
      answers: Array.from({ length: QUESTIONS }, (_, q) => ({
        ...{ id: `${q}`, image: `${q >> 2}`, question: `What colour is shape ${q}?` },
        ...{ type: "color", truth: "red", answer: right(q) ? "red" : "blue", correct: right(q) },
      })),
    });
    const { questions, packed } = packAnswers(run.answers);
    if (!listed) {
      const list = join(dir, "questions", `${packed.questions}.json`);
      await Deno.writeTextFile(list, JSON.stringify(questions));
      listed = true;
    }
    const text = recordText(run, packed);
    bytes = text.length;
    await Deno.writeTextFile(
      join(dir, "runs", `${run.arm}_lambda-${run.lambda}_seed-${seed}.json`),
      text,
    );
  }
  return { bytes };
}

/** One part in a process of its own, whose resident set is watched. */
async function measured(part: "list" | "report", dir: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, part, dir],
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  let most = 0;
  const timer = setInterval(() => {
    try {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      most = Math.max(most, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // It has ended.
    }
  }, 50);
  const start = performance.now();
  const { success } = await child.status;
  clearInterval(timer);
  if (!success) throw new Error(`Cannot ${part} "${dir}"`);
  return { seconds: (performance.now() - start) / 1000, residentBytes: most };
}

if (import.meta.main) {
  const [first, dir] = Deno.args;
  if (first === "list") await readRecords(dir);
  else if (first === "report") await writeReport(dir);
  else {
    await inTempFolder(async (folder) => {
      const runs = Number(first);
      const { bytes: recordBytes } = await writeStudy(folder, runs);
      const list = await measured("list", folder);
      const report = await measured("report", folder);
      console.log(JSON.stringify({ runs, recordBytes, list, report }));
    });
  }
}
