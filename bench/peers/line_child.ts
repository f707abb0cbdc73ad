/**
 * A child process that computes for the comparison and times itself, so that it can alternate with us.
 *
 * It greets with `{"version": ...}` and then answers every JSON line on standard input with one on
 * standard output: `prepare` a task from the files of a folder, `result` into files of that folder,
 * `time` so many runs. `pytorch_child.py` and `openblas_child.ts` are such children.
 */
import { join } from "node:path";
import { lines } from "./lines.ts";
import { attentionBias, rotations, type StepTask, textTokens } from "./step_task.ts";
import { COMPARED_STEPS, type Peer, type Subject, type Task } from "./subject.ts";

/** How a child is started. */
export interface ChildCommand {
  /** Who is asked, for errors. */
  name: string;
  command: string;
  args: string[];
  /** Its whole environment. */
  env: Record<string, string>;
}

/** What a child is asked. */
export type Request =
  | ({ do: "prepare"; folder: string } & Record<string, unknown>)
  | { do: "result"; folder: string }
  | { do: "time"; times: number };

/** Precision in which a child computes a task; float64 is for reference values. */
export type Precision = "float32" | "float64";

/** A child process as a peer, which can also compute a training in float64. */
export interface ChildPeer extends Peer {
  /** All that it greeted with. */
  greeting: Record<string, unknown>;
  prepare(task: Task, precision?: Precision): Promise<Subject>;
}

/**
 * Starts a child and waits for its greeting.
 *
 * @throws {Error} If it cannot be started or ends before it greets, with the last line it wrote
 */
export async function startChild(command: ChildCommand): Promise<ChildPeer> {
  const child = spawn(command);
  const answers = lines(child.stdout);
  const complaint = lastLine(child.stderr);
  const writer = child.stdin.getWriter();

  async function receive(): Promise<Record<string, unknown>> {
    const { value, done } = await answers.next();
    if (done) {
      const { code } = await child.status;
      throw new Error(`${command.name} ended with code ${code}: ${await complaint}`);
    }
    const answer = JSON.parse(value);
    if (answer.error !== undefined) throw new Error(String(answer.error));
    return answer;
  }

  async function ask(request: Request): Promise<Record<string, unknown>> {
    // A child that has ended cannot be written to; that it ended is then the reason to give.
    await writer.write(new TextEncoder().encode(JSON.stringify(request) + "\n"))
      .catch(() => {});
    return await receive();
  }

  const greeting = await receive();
  return {
    greeting,
    version: String(greeting.version),
    prepare: (task, precision = "float32") => prepareChild(ask, task, precision),
    async close() {
      await writer.close().catch(() => {});
      await child.status;
    },
  };
}

function spawn({ name, command, args, env }: ChildCommand): Deno.ChildProcess {
  try {
    return new Deno.Command(command, {
      args,
      env,
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`${name} cannot be started: there is no "${command}" on this machine`);
  }
}

async function lastLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let last = "it said nothing";
  for await (const line of lines(stream)) if (line.trim()) last = line.trim();
  return last;
}

async function prepareChild(
  ask: (request: Request) => Promise<Record<string, unknown>>,
  task: Task,
  precision: Precision,
): Promise<Subject> {
  const folder = await Deno.makeTempDir({ prefix: "plumbline-peers-" });
  const dispose = () => Deno.remove(folder, { recursive: true });
  try {
    const { files, request } = describe(task, precision);
    for (const [name, values] of Object.entries(files)) {
      await Deno.writeFile(
        join(folder, `${name}.f32`),
        new Uint8Array(values.buffer),
      );
    }
    await ask({ do: "prepare", folder, kernel: task.kernel, ...request });
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    async result() {
      const { names } = await ask({ do: "result", folder });
      const read = async (name: string): Promise<[string, Float64Array]> => [
        name,
        new Float64Array((await Deno.readFile(join(folder, `${name}.f64`))).buffer),
      ];
      return Object.fromEntries(await Promise.all((names as string[]).map(read)));
    },
    async time(times) {
      const { milliseconds } = await ask({ do: "time", times });
      return Number(milliseconds);
    },
    dispose,
  };
}

/** A task as files of float32 and the rest of the request. */
function describe(
  task: Task,
  precision: Precision,
): {
  files: Record<string, Float32Array<ArrayBuffer>>;
  request: Record<string, unknown>;
} {
  if (task.kernel === "training-step") {
    return describeTraining(task.step, precision);
  }
  if (task.kernel === "matmul") {
    const { a, b, kernel: _, ...request } = task;
    return { files: { a, b }, request };
  }
  const { x, y, kernel: _, ...request } = task;
  return { files: { x, y }, request };
}

function describeTraining(step: StepTask, precision: Precision) {
  const { config: { decoder, layout }, packed, weights } = step;
  const { batch, prefix, blocks, block } = layout;
  const list = [...weights];
  const flat = new Float32Array(list.reduce((sum, [, { data }]) => sum + data.length, 0));
  let at = 0;
  for (const [, { data }] of list) {
    flat.set(data, at);
    at += data.length;
  }
  return {
    files: {
      images: step.images,
      weights: flat,
      bias: attentionBias(step),
      ...rotations(step),
    },
    request: {
      precision,
      sizes: {
        batch,
        prefix,
        blocks,
        block,
        hidden: decoder.hidden_size,
        layers: decoder.num_hidden_layers,
        heads: decoder.num_attention_heads,
        epsilon: decoder.rms_norm_eps,
      },
      weights: list.map(([name, { rows, columns }]) => [name, rows, columns]),
      tokens: [...textTokens(step)],
      answerRows: [...packed.answerRows],
      labels: [...packed.labels],
      optimizer: step.optimizer,
      learningRate: step.learningRate,
      lambda: step.lambda,
      steps: COMPARED_STEPS,
    },
  };
}
