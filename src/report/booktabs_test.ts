import assert from "node:assert/strict";
import fc from "fast-check";
import { booktabs, escapeLatex } from "./booktabs.ts";
import type { Column } from "./table.ts";

const columns: Column<{ arm: string; accuracy: number }>[] = [
  { header: "Arm", cell: ({ arm }) => arm },
  { header: "Empty", cell: () => null },
  { header: "Accuracy, %", align: "right", cell: ({ accuracy }) => `${accuracy} ± 0.5` },
];

Deno.test("a tabular has booktabs' rules and an alignment a column, without empty columns", () => {
  assert.equal(
    booktabs(columns, [{ arm: "baseline", accuracy: 80 }, { arm: "P2_only & more", accuracy: 81 }]),
    "\\begin{tabular}{lr}\n" +
      "\\toprule\n" +
      "Arm & Accuracy, \\% \\\\\n" +
      "\\midrule\n" +
      "baseline & 80 $\\pm$ 0.5 \\\\\n" +
      "P2\\_only \\& more & 81 $\\pm$ 0.5 \\\\\n" +
      "\\bottomrule\n" +
      "\\end{tabular}\n",
  );
});

Deno.test("a bold cell is, what it holds escaped", () => {
  const bold = columns.map((column) => ({ ...column, bold: () => true }));
  assert.match(
    booktabs(bold, [{ arm: "a_b", accuracy: 80 }]),
    /^\\textbf\{a\\_b\} & \\textbf\{80 \$\\pm\$ 0\.5\} /m,
  );
});

Deno.test("without rows there is no table", () => {
  assert.equal(booktabs(columns, []), "");
});

Deno.test("what LaTeX reads as a command is written out", () => {
  assert.equal(
    escapeLatex("\\{}&%$#_~^[*<>|"),
    "\\textbackslash{}\\{\\}\\&\\%\\$\\#\\_\\textasciitilde{}\\textasciicircum{}{[}{*}$<$$>$$|$",
  );
  assert.equal(escapeLatex("λ −0.5 ± 1\n→ R²"), "$\\lambda$ $-$0.5 $\\pm$ 1 $\\to$ R$^2$");
});

Deno.test("no text begins a comment, a cell or a command of its own", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const rest = escapeLatex(text)
      .replace(/\\text[a-z]+\{\}|\\[{}&%$#_]|\{[[*]\}|\$(?:[<>|-]|\\[a-z]+|\^2)\$/g, "");
    assert.doesNotMatch(rest, /[\\{}&%$#_~^]/);
  }));
});
