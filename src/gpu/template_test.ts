import assert from "node:assert/strict";
import { KERNELS } from "./kernel_files.ts";
import { expand, parseKernels } from "./template.ts";

const lines = (text: string) => text.trim().split("\n").map((line) => line.trim());

Deno.test("loops unroll, inner ones first, and none at count 0", () => {
  const text = lines(`
    //# for i in N
    row \${i}
    //# for j in 2
    cell \${i} \${j}
    //# end
    //# end
    after`);
  const cell = (i: number) => [`row ${i}`, `cell ${i} 0`, `cell ${i} 1`];
  assert.deepEqual(expand(text, { N: 2 }).split("\n"), [...cell(0), ...cell(1), "after"]);
  assert.equal(expand(text, { N: 0 }), "after");
});

Deno.test("one branch of a choice stays, also with a choice inside", () => {
  const text = lines(`
    //# if A
    a
    //# if B
    a and b
    //# end
    //# else
    not a
    //# end`);
  assert.equal(expand(text, { A: 1, B: 1 }), "a\na and b");
  assert.equal(expand(text, { A: 1 }), "a");
  assert.equal(expand(text, { A: 0, B: 1 }), "not a");
  assert.equal(expand(text, {}), "not a", "an absent constant is 0");
});

Deno.test("what is not chosen may name unknown constants", () => {
  const text = lines(`
    //# if A
    \${MISSING}
    //# for i in MISSING
    \${i}
    //# end
    //# end
    rest`);
  assert.equal(expand(text, {}), "rest");
});

Deno.test("expressions multiply before they add, and take names and numbers", () => {
  const value = (expression: string) => expand([`\${${expression}}`], { N: 3, i: 2 });
  assert.equal(value("7"), "7");
  assert.equal(value("N"), "3");
  assert.equal(value("4 * i + 1"), "9");
  assert.equal(value("1 + 4 * i"), "9");
  assert.equal(value("N * i * 2 + N * i"), "18");
  assert.equal(expand(["a_${i}_${N} = b[${4 * i}u];"], { N: 3, i: 2 }), "a_2_3 = b[8u];");
});

Deno.test("a template that cannot be expanded says why", () => {
  const cases: [string, RegExp][] = [
    ["${SIZE}", /unknown constant "SIZE" in "SIZE"/],
    ["${2 * }", /unknown constant "" in "2 \* "/],
    ["//# for i in COUNT\n//# end", /unknown constant "COUNT"/],
    ["//# for i in 2\nbody", /"for i in 2" has no end/],
    ["//# if A\nbody", /"if A" has no end/],
    ["//# if A\na\n//# else\nb", /"if A" has no end/],
    ["body\n//# end", /line 2 ends a block that never began/],
    ["//# unroll 4", /unknown directive "unroll 4"/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => expand(text.split("\n"), { A: 1 }), { name: "SyntaxError", message }, text);
  }
});

Deno.test("a kernel is parsed with its operands in binding order, sizes and shared lines", () => {
  const kernels = parseKernels({
    file: `
      fn shared() {}
      //# kernel first
      //# write y
      //# operand b
      //# read a
      //# read base if ADD
      //# ints rows
      //# step
      //# sizes width eps:f32
      fn main() {}
      //# kernel second
      //# floats_out z
      fn other() {}`,
  });
  assert.deepEqual([...kernels.keys()], ["first", "second"]);
  const first = kernels.get("first")!;
  const condition = undefined;
  assert.deepEqual(first.operands, [
    { role: "operand", name: "b", condition },
    { role: "read", name: "a", condition },
    { role: "read", name: "base", condition: "ADD" },
    { role: "write", name: "y", condition },
    { role: "ints", name: "rows", condition },
  ]);
  assert.deepEqual(first.sizes, [{ name: "width", type: "u32" }, { name: "eps", type: "f32" }]);
  const code = (name: string) => expand(kernels.get(name)!.lines, {}).match(/fn \w+/g);
  assert.deepEqual([first.usesStep, code("first")], [true, ["fn shared", "fn main"]]);
  assert.deepEqual([kernels.get("second")!.usesStep, code("second")], [
    false,
    ["fn shared", "fn other"],
  ]);
});

Deno.test("definitions are included from other files, with choices inside", () => {
  const kernels = parseKernels({
    user: "//# include square\n//# kernel k\nfn main() {}",
    library:
      "//# define square\n//# if FAST\nfn fast() {}\n//# else\nfn slow() {}\n//# end\n//# enddefine",
  });
  const { lines } = kernels.get("k")!;
  assert.equal(expand(lines, { FAST: 1 }), "fn fast() {}\nfn main() {}");
  assert.equal(expand(lines, {}), "fn slow() {}\nfn main() {}");
});

Deno.test("kernel files with mistakes are refused by name", () => {
  assert.throws(() => parseKernels({ a: "//# kernel k", b: "//# kernel k" }), {
    name: "SyntaxError",
    message: 'Cannot parse b: kernel "k" is defined twice',
  });
  assert.throws(() => parseKernels({ a: "//# include nothing" }), {
    name: "SyntaxError",
    message: 'Cannot parse a: nothing is defined as "nothing"',
  });
});

Deno.test("every kernel file expands to one entry point a kernel", () => {
  const constants = {
    LANES: 8,
    ROWS: 4,
    ROWS4: 1,
    ACROSS: 4,
    DOWN: 2,
    TEXELS: 2,
    SPAN: 2,
    DEPTH4: 1,
    HEAD4: 2,
    CHAINS: 2,
    LINKS: 2,
  };
  for (const [name, { lines }] of KERNELS) {
    const code = expand(lines, constants);
    assert.equal(code.match(/fn main\(/g)?.length, 1, name);
    assert.ok(!code.includes("${") && !code.includes("//#"), name);
  }
});
