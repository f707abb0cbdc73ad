/**
 * What each command may touch, from its command line: the folders and files that are named there, the
 * project's own, and the cache. Deno enforces it, so no name in a data set, study or model leads
 * anywhere else, whatever a reader forgets to check.
 *
 * Deno looks at paths as they are written: a link inside a permitted folder is followed. Readers of data
 * sets look where links lead (`../data/files.ts`).
 */
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { HUB_HOSTS } from "../data/hub_hosts.ts";
import { FEATURES, isOwnEncoder } from "../encoders/encoder_names.ts";
import { parseAssignment } from "../study/assignment.ts";
import { isStudyPath } from "../study/study_path.ts";

/** Where a command runs. */
export interface Surroundings {
  /** The project's folder. */
  root: string;
  /** The folder in which the command was typed. */
  caller: string;
  /** The cache. */
  cache: string;
  /** The program of Deno itself. */
  deno: string;
  /** Whether a path is a folder. */
  isFolder(path: string): boolean;
  /** What a JSON file holds; undefined where it cannot be read, which the command itself will say. */
  readJson(path: string): unknown;
}

/** What a command may touch. Lists of paths, hosts, programs and variables; `true` stands for all. */
export interface Permissions {
  read: string[] | true;
  write: string[];
  net: string[];
  run: string[] | true;
  env: string[] | true;
  /** What of the machine it asks about. */
  sys: string[];
  /** Whether it will compute on a GPU, and so may load a driver that is chosen for it. */
  gpu: boolean;
  /** The adapter that is asked for. */
  adapter?: string;
}

/** Variables that the program and its libraries read. */
const ENV = [
  ...["INIT_CWD", "HOME", "LOCALAPPDATA", "XDG_CACHE_HOME"],
  ...["ADAPTER", "CACHE", "DEBUG", "DRIVER", "OPERANDS"].map((name) => `PLUMBLINE_${name}`),
  ...["DENO_WEBGPU_BACKEND", "LP_NUM_THREADS", "MESA_SHADER_CACHE_DIR"],
  ...["VK_DRIVER_FILES", "VK_ICD_FILENAMES"],
  "HF_ENDPOINT",
  ...["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"],
];

/** Parts of the cache that a command writes; drivers are none of them. */
const WRITTEN_PARTS = ["shaders", "kernels", "features", "models"];

/** Language models that are no folder and no model of the hub. */
const OWN_LLMS = ["embedded", "random"];

/** What a command line asks for. */
interface Asked {
  options: Record<string, string | undefined>;
  /** Values of `--set`. */
  set: string[];
  /** Given without a value. */
  flags: Set<string>;
  positionals: string[];
}

type Part = Partial<Omit<Permissions, "gpu" | "adapter">>;

interface Command {
  /** Options that take a value. */
  values: string[];
  /** Options that take none. */
  flags: string[];
  /** Whether it comes as far as computing on a GPU, as far as can be told from here. */
  gpu?(asked: Asked, where: Surroundings): boolean;
  /** Whether it looks into the cache even then when it does not come so far. */
  cached?: boolean;
  needs(asked: Asked, where: Surroundings): Part[];
}

/** By the commands' names; a test compares the options with those of the commands themselves. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  ablate: {
    values: [
      ...[
        "adapter",
        "arms",
        "checkpoint-every",
        "data",
        "data-dir",
        "encoder",
        "engine",
        "folds",
        "from",
        "lambda",
      ],
      ...["llm", "log", "out", "seeds", "set", "shard", "steps"],
      ...["account", "array-parallelism", "cpus-per-task", "mem", "option", "partition", "setup"]
        .map((name) => `slurm-${name}`),
      ...["slurm-tasks", "slurm-time"],
    ],
    flags: ["dry-run", "fresh", "json"],
    cached: true,
    gpu: (asked, where) => asked.options.engine !== "slurm" && readStudy(asked, where).isThere,
    needs(asked, where) {
      const { options: { out, from, engine }, flags } = asked;
      const study = readStudy(asked, where);
      const folder = resolve(where.caller, out ?? join("runs", runsOf(study, from)));
      return [
        ...studyNeeds(asked, where, study),
        { read: [folder], write: [folder] },
        // Its tasks run Deno; by itself it only submits them.
        engine === "slurm" ? { read: [where.deno], run: ["sbatch"] } : {},
        // Leases of runs say which machine holds them.
        { sys: ["hostname"] },
        // Earlier records are moved to a name beside their folder's.
        flags.has("fresh") ? { read: [dirname(folder)], write: [dirname(folder)] } : {},
        // The record lies in `runs`, its weights and questions beside that.
        from === undefined ? {} : { read: [dirname(dirname(resolve(where.caller, from)))] },
      ];
    },
  },
  tune: {
    values: ["adapter", "data-dir"],
    flags: ["fresh", "half", "json"],
    gpu: (asked, where) => readStudy(asked, where).isThere,
    needs: (asked, where) => studyNeeds(asked, where, readStudy(asked, where)),
  },
  generate: {
    values: ["adapter", "llm", "max-tokens", "prompt"],
    flags: ["dry-run", "json"],
    cached: true,
    gpu: ({ flags }) => !flags.has("dry-run"),
    needs: ({ options }, where) => llmNeeds(options.llm, where),
  },
  pretrain: {
    values: ["adapter", "out", "steps"],
    flags: [],
    gpu: () => true,
    needs({ options }, { caller }) {
      const out = resolve(caller, options.out ?? join("runs", "pretrained"));
      return [{ read: [out], write: [out] }];
    },
  },
  "embedding-stats": {
    values: [
      ...["x", "projected", "text", "transformed"],
      ...["adapter", "ridge-lambda", "ridge-train-rows", "pair-rows"],
    ],
    flags: ["fresh-p2", "json", "markdown"],
    gpu: ({ flags }) => flags.has("fresh-p2"),
    needs: ({ options: { x, projected, text, transformed } }, where) =>
      paths([x, projected, text, transformed], where),
  },
  "vqa-accuracy": {
    values: ["questions", "annotations", "results", "normalise"],
    flags: ["json"],
    needs: ({ options: { questions, annotations, results } }, where) =>
      paths([questions, annotations, results], where),
  },
  power: {
    values: [
      ...["effect", "sd", "power", "alpha", "comparisons"],
      ...["seeds", "questions", "accuracy", "correlation"],
    ],
    flags: ["json"],
    needs: () => [],
  },
  report: {
    values: [],
    flags: ["answers", "csv", "force", "html", "latex"],
    needs({ positionals }, where) {
      // Comparing writes nothing.
      if (positionals[0] === "compare") return paths(positionals.slice(1), where);
      const write = positionals.map((path) => resolve(where.caller, path));
      return [...paths(positionals, where), { write }];
    },
  },
  // It looks for drivers all over the system, tries each in a process of its own, and reads no data.
  doctor: {
    values: ["adapter"],
    flags: ["clear-cache", "json"],
    needs: (_, { cache }) => [{ read: true, write: [cache], run: true, env: true }],
  },
};

/** What a command line may touch; next to nothing where it names no command, which only gives help. */
export function permissionsOf(args: string[], where: Surroundings): Permissions {
  const [name, ...rest] = args;
  const { values, flags, gpu, cached, needs }: Command = Object.hasOwn(COMMANDS, name ?? "")
    ? COMMANDS[name]
    : { values: [], flags: [], needs: () => [] };
  const asked = parse(rest, values);
  // For help, or an option that there is not, no driver is fetched.
  const isUnderstood = asked.flags.difference(new Set(flags)).size === 0;
  const isComputed = isUnderstood && gpu?.(asked, where) === true;
  const parts = [{ read: [where.root], env: ENV }, ...needs(asked, where)];
  if (cached || isComputed) {
    parts.push({
      read: [where.cache],
      write: WRITTEN_PARTS.map((part) => join(where.cache, part)),
    });
  }
  const { adapter } = asked.options;
  return {
    ...joined(parts),
    gpu: isComputed,
    ...(adapter !== undefined && { adapter }),
  };
}

function parse(args: string[], values: string[]): Asked {
  const options = Object.fromEntries(
    values.map((name) => [name, { type: "string" as const, multiple: true }]),
  );
  const found = parseArgs({ args, options, strict: false, allowPositionals: true });
  const given: Asked = { options: {}, set: [], flags: new Set(), positionals: found.positionals };
  for (const [name, value] of Object.entries(found.values)) {
    const all = [value].flat();
    const texts = all.filter((value) => typeof value === "string");
    if (name === "set") given.set = texts;
    // The last one counts, as in the command itself.
    else if (values.includes(name)) given.options[name] = texts.at(-1);
    else given.flags.add(name);
    // An option without the value that it needs.
    if (all.length > texts.length) given.flags.add(name);
  }
  return given;
}

/** What a study's file says that decides what may be touched; the command itself checks the file. */
interface StudyNames {
  /** Whether it could be read. */
  isThere: boolean;
  /** The file, where it is none of the project's own. */
  file?: string;
  name?: string;
  encoder?: string;
  llm?: string;
}

function readStudy({ options, set, positionals }: Asked, where: Surroundings): StudyNames {
  const [asked = "quick"] = positionals;
  const isPath = isStudyPath(asked);
  const file = isPath
    ? resolve(where.caller, asked)
    : join(where.root, "ablations", `${asked}.json`);
  const study = where.readJson(file);
  const field = (...path: string[]): string | undefined => {
    const own = path.reduce<unknown>(fieldOf, study);
    const values = [own, ...set.flatMap((change) => assigned(change, path))];
    return values.findLast((value) => typeof value === "string") as string | undefined;
  };
  return {
    isThere: study !== undefined,
    ...(isPath && { file }),
    name: field("name"),
    encoder: options.encoder ?? field("encoder", "name"),
    llm: options.llm ?? field("llm", "name"),
  };
}

const fieldOf = (at: unknown, key: string) => (at as Record<string, unknown> | null)?.[key];

/** What `--set` makes of a field: `encoder.name=hog`, or `encoder={"name":"hog"}`. */
function assigned(change: string, path: string[]): unknown[] {
  const assignment = parseAssignment(change);
  if (!assignment) return [];
  const rest = path.slice(assignment.path.split(".").length);
  return [assignment.path, ...rest].join(".") === path.join(".")
    ? [rest.reduce<unknown>(fieldOf, assignment.value)]
    : [];
}

/** The folder below `runs` of a study's records, if its name is one. */
function runsOf({ name = "" }: Pick<StudyNames, "name">, from: string | undefined): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) return "unnamed";
  return from === undefined ? name : `${name}-tested`;
}

/** A study, its data, and the models that it or the options name. */
function studyNeeds({ options }: Asked, where: Surroundings, study: StudyNames): Part[] {
  return [
    study.file === undefined ? {} : { read: [study.file] },
    ...paths([options["data-dir"]], where),
    ...encoderNeeds(study.encoder, where),
    ...llmNeeds(study.llm, where),
  ];
}

function encoderNeeds(name: string | undefined, where: Surroundings): Part[] {
  if (name === undefined || isOwnEncoder(name)) return [];
  if (name.startsWith(FEATURES)) return paths([name.slice(FEATURES.length)], where);
  const read = foldersOf(name, where);
  // A model of transformers.js, unless it is a folder in another layout.
  const folder = read.find(where.isFolder);
  const isOther = folder !== undefined && !where.isFolder(join(folder, "onnx"));
  return [{ read }, isOther ? {} : { run: [where.deno] }];
}

function llmNeeds(name: string | undefined, where: Surroundings): Part[] {
  if (name === undefined || OWN_LLMS.includes(name)) return [];
  const read = foldersOf(name, where);
  const cached = join(where.cache, "models", "decoders", ...name.split("/"));
  const isThere = [...read, cached].some(where.isFolder);
  return [{ read }, isThere ? {} : { net: [...HUB_HOSTS] }];
}

/** A model's name as a folder: as it was typed, and as a study has it. */
function foldersOf(name: string, { caller, root }: Surroundings): string[] {
  return [resolve(caller, name), resolve(root, name)];
}

function paths(names: (string | undefined)[], { caller }: Surroundings): Part[] {
  return names.flatMap((name) => name === undefined ? [] : [{ read: [resolve(caller, name)] }]);
}

function joined(parts: Part[]): Omit<Permissions, "gpu"> {
  const all = (kind: keyof Part): string[] | true => {
    const lists: (string[] | true)[] = parts.map((part) => part[kind] ?? []);
    return lists.includes(true) ? true : [...new Set(lists.flat() as string[])];
  };
  return {
    read: all("read"),
    write: all("write") as string[],
    net: all("net") as string[],
    run: all("run"),
    env: all("env"),
    sys: all("sys") as string[],
  };
}
