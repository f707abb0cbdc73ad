import assert from "node:assert/strict";
import { type Column, table } from "./table.ts";

interface Row {
  name: string;
  value: number | null;
  note?: string;
}

const columns: Column<Row>[] = [
  { header: "Arm", cell: ({ name }) => name },
  {
    header: "Value",
    align: "right",
    cell: ({ value }) => value === null ? null : value.toFixed(1),
  },
  { header: "Note", cell: ({ note }) => note ?? null },
];

Deno.test("a table aligns text left and numbers right", () => {
  assert.equal(
    table(columns, [{ name: "baseline", value: 93.1, note: "λ = 0" }, {
      name: "b",
      value: null,
    }]),
    "| Arm      | Value | Note  |\n" +
      "| -------- | ----: | ----- |\n" +
      "| baseline |  93.1 | λ = 0 |\n" +
      "| b        |       |       |\n",
  );
});

Deno.test("columns that are empty everywhere are left out", () => {
  assert.equal(
    table(columns, [{ name: "a", value: null }]),
    "| Arm |\n| --- |\n| a   |\n",
  );
});

Deno.test("no rows make no table", () => {
  assert.equal(table(columns, []), "");
});

Deno.test("bold cells are, and empty ones stay empty", () => {
  const bold: Column<Row>[] = [columns[0], { ...columns[1], bold: ({ name }) => name !== "a" }];
  const rows = [{ name: "a", value: 1 }, { name: "b", value: 2 }, { name: "c", value: null }];
  assert.equal(
    table(bold, rows),
    "| Arm |   Value |\n| --- | ------: |\n| a   |     1.0 |\n| b   | **2.0** |\n| c   |         |\n",
  );
});

Deno.test("bars and line breaks cannot break the table", () => {
  assert.equal(
    table(columns, [{ name: "a|b\n  c", value: 1 }]),
    "| Arm    | Value |\n| ------ | ----: |\n| a\\|b c |   1.0 |\n",
  );
});

Deno.test("a table has as many rows as it is given", () => {
  const rows = Array.from({ length: 200_000 }, (_, i) => i);
  const text = table([{ header: "Row", align: "right", cell: String }], rows);
  assert.ok(text.startsWith("|    Row |\n| -----: |\n|      0 |\n"), text.slice(0, 40));
  assert.equal(text.length, 11 * (rows.length + 2));
});
