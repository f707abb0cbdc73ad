/** OpenBLAS in a process of its own, under the core type of its environment; see `line_child.ts`. */
import { join } from "node:path";
import type { Request } from "./line_child.ts";
import { lines } from "./lines.ts";
import { loadOpenblas } from "./openblas.ts";
import type { Subject } from "./subject.ts";

const answer = (value: unknown) => console.log(JSON.stringify(value));
const library = loadOpenblas();
let subject: Subject | undefined;

async function handle(request: Request): Promise<unknown> {
  switch (request.do) {
    case "prepare": {
      const [rows, inner, columns] = ["rows", "inner", "columns"].map((name) =>
        Number(request[name])
      );
      const read = async (name: string) =>
        new Float32Array((await Deno.readFile(join(request.folder, `${name}.f32`))).buffer);
      const [a, b] = [await read("a"), await read("b")];
      subject = library.prepare({
        kernel: "matmul",
        rows,
        inner,
        columns,
        a,
        b,
      });
      return {};
    }
    case "result": {
      const result = await subject!.result();
      for (const [name, values] of Object.entries(result)) {
        const bytes = new Uint8Array(Float64Array.from(values).buffer);
        await Deno.writeFile(join(request.folder, `${name}.f64`), bytes);
      }
      return { names: Object.keys(result) };
    }
    case "time":
      return { milliseconds: await subject!.time(request.times) };
  }
}

answer({ version: library.version, core: library.core });
for await (const line of lines(Deno.stdin.readable)) {
  try {
    answer(await handle(JSON.parse(line)));
  } catch (error) {
    answer({ error: error instanceof Error ? error.message : String(error) });
  }
}
