/**
 * The small template language of the kernels.
 *
 * WGSL has no loops over names and no generic operands, and a register block must be written out
 * for the compiler to keep it in registers. So a kernel file is WGSL with directives in comments:
 *
 * | directive | meaning |
 * | --- | --- |
 * | `//# kernel NAME` | a kernel begins; what stands before the first is shared by all |
 * | `//# operand a b`, `//# read x`, `//# write c` | matrices, reached by `load_a(column4, row)`, `store_c(column4, row, value)`; an operand is read many times, what is only read just a few |
 * | `//# state a` | a matrix changed in place, `load_a` and `store_a`; always a storage buffer |
 * | `//# ints a` `//# ints_out a` `//# floats_in a` `//# floats_out a` | plain arrays in storage buffers |
 * | `//# sizes rows eps:f32` | uniform numbers of a dispatch, `size.rows` |
 * | `//# step` | the numbers of a training step, `step.lambda` |
 * | `... if NAME` behind an operand list | declared only when the constant is not 0 |
 * | `//# for i in COUNT`, `//# if NAME`, `//# else`, `//# end` | unrolling and choice |
 * | `//# define NAME` ... `//# enddefine`, `//# include NAME` | text shared between files |
 * | `${2 * i + 1}` | integer arithmetic on constants and loop names |
 */

/** Constants of a kernel variant, for example `{LANES: 8, ROWS: 16}`. */
export type Constants = Readonly<Record<string, number>>;

/** Operand roles that a kernel may declare, in binding order. */
const ROLES = [
  "operand",
  "read",
  "write",
  "state",
  "ints",
  "ints_out",
  "floats_in",
  "floats_out",
] as const;

/** A role of a kernel operand. */
export type Role = typeof ROLES[number];

/** An operand as declared: its role, its name, and the constant it depends on, if any. */
export interface OperandDeclaration {
  role: Role;
  name: string;
  condition?: string;
}

/** A kernel as parsed from its file, before constants are put in. */
export interface KernelTemplate {
  name: string;
  operands: OperandDeclaration[];
  sizes: { name: string; type: "u32" | "f32" }[];
  usesStep: boolean;
  /** Shared text of the file, then the kernel's own lines. */
  lines: string[];
}

const DIRECTIVE = /^\s*\/\/#\s*(.*?)\s*$/;

/**
 * Splits kernel files into kernels.
 *
 * @throws {SyntaxError} If a kernel is defined twice, or what is included is not defined.
 */
export function parseKernels(files: Record<string, string>): Map<string, KernelTemplate> {
  const definitions = new Map<string, string[]>();
  const bodies = new Map<string, string[]>();
  for (const [file, text] of Object.entries(files)) {
    bodies.set(file, takeDefinitions(text.split("\n"), definitions));
  }
  const kernels = new Map<string, KernelTemplate>();
  for (const [file, lines] of bodies) {
    const shared: string[] = [];
    let current: KernelTemplate | undefined;
    for (const line of expandIncludes(lines, definitions, file)) {
      const [word = "", ...rest] = DIRECTIVE.exec(line)?.[1].split(/\s+/) ?? [];
      if (word === "kernel") {
        if (kernels.has(rest[0])) {
          throw new SyntaxError(`Cannot parse ${file}: kernel "${rest[0]}" is defined twice`);
        }
        current = { name: rest[0], operands: [], sizes: [], usesStep: false, lines: [...shared] };
        kernels.set(current.name, current);
      } else if (!current) {
        shared.push(line);
      } else if ((ROLES as readonly string[]).includes(word)) {
        const at = rest.indexOf("if");
        const names = at < 0 ? rest : rest.slice(0, at);
        const condition = at < 0 ? undefined : rest[at + 1];
        for (const name of names) current.operands.push({ role: word as Role, name, condition });
      } else if (word === "sizes") {
        for (const item of rest) {
          const [name, type = "u32"] = item.split(":");
          current.sizes.push({ name, type: type as "u32" | "f32" });
        }
      } else if (word === "step") {
        current.usesStep = true;
      } else {
        current.lines.push(line);
      }
    }
  }
  for (const kernel of kernels.values()) {
    kernel.operands.sort((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role));
  }
  return kernels;
}

function takeDefinitions(lines: string[], definitions: Map<string, string[]>): string[] {
  const rest: string[] = [];
  let inside: string[] | undefined;
  for (const line of lines) {
    const [word = "", name = ""] = DIRECTIVE.exec(line)?.[1].split(/\s+/) ?? [];
    if (word === "define") definitions.set(name, inside = []);
    else if (word === "enddefine") inside = undefined;
    else (inside ?? rest).push(line);
  }
  return rest;
}

function expandIncludes(
  lines: string[],
  definitions: Map<string, string[]>,
  file: string,
): string[] {
  return lines.flatMap((line) => {
    const [word = "", name = ""] = DIRECTIVE.exec(line)?.[1].split(/\s+/) ?? [];
    if (word !== "include") return [line];
    const text = definitions.get(name);
    if (!text) throw new SyntaxError(`Cannot parse ${file}: nothing is defined as "${name}"`);
    return expandIncludes(text, definitions, file);
  });
}

/**
 * Puts constants into template lines: unrolls loops, drops what is not chosen, evaluates `${...}`.
 *
 * @throws {SyntaxError} If a block does not end, or an expression names an unknown constant.
 *
 * @example Unroll a loop
 * ```ts
 * import { expand } from "./template.ts";
 * import assert from "node:assert/strict";
 *
 * const text = expand(["//# for i in N", "let a_${i} = ${4 * i}u;", "//# end"], { N: 2 });
 * assert.equal(text, "let a_0 = 0u;\nlet a_1 = 4u;");
 * ```
 */
export function expand(lines: string[], constants: Constants): string {
  const out: string[] = [];
  const end = expandBlock(lines, 0, constants, out);
  if (end !== lines.length) {
    throw new SyntaxError(`Cannot expand kernel: line ${end + 1} ends a block that never began`);
  }
  return out.join("\n");
}

/** Expands from `at` to the directive that closes the block, and returns that line's index. */
function expandBlock(
  lines: string[],
  at: number,
  constants: Constants,
  out: string[] | null,
): number {
  while (at < lines.length) {
    const directive = DIRECTIVE.exec(lines[at])?.[1];
    if (directive === undefined) {
      if (out) {
        out.push(
          lines[at].replace(
            /\$\{([^}]*)\}/g,
            (_, expression) => String(evaluate(expression, constants)),
          ),
        );
      }
      at++;
      continue;
    }
    const [word, ...rest] = directive.split(/\s+/);
    if (word === "end" || word === "else") return at;
    if (word === "for") {
      const count = out ? evaluate(rest[2], constants) : 1;
      let close = at;
      for (let i = 0; i < Math.max(count, 1); i++) {
        close = expandBlock(lines, at + 1, { ...constants, [rest[0]]: i }, i < count ? out : null);
      }
      at = close + 1;
    } else if (word === "if") {
      const chosen = (constants[rest[0]] ?? 0) !== 0;
      let close = expandBlock(lines, at + 1, constants, chosen ? out : null);
      if (DIRECTIVE.exec(lines[close] ?? "")?.[1] === "else") {
        close = expandBlock(lines, close + 1, constants, chosen ? null : out);
      }
      at = close + 1;
    } else {
      throw new SyntaxError(`Cannot expand kernel: unknown directive "${directive}"`);
    }
    if (at > lines.length) throw new SyntaxError(`Cannot expand kernel: "${directive}" has no end`);
  }
  return at;
}

/** Integer arithmetic with + - * and names; products bind closer than sums. No signs in front. */
function evaluate(expression: string, constants: Constants): number {
  const value = (word: string): number => {
    const number = /^-?\d+$/.test(word) ? Number(word) : constants[word];
    if (number === undefined) {
      throw new SyntaxError(`Cannot expand kernel: unknown constant "${word}" in "${expression}"`);
    }
    return number;
  };
  return expression.replaceAll("-", "+ -1 *").split("+")
    .map((sum) => sum.split("*").map((factor) => value(factor.trim())).reduce((a, b) => a * b))
    .reduce((a, b) => a + b);
}
