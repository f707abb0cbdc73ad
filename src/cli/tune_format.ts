/** What the tuner chose and why, as a table. */
import type { KernelPlan, ProductBlock } from "../gpu/plan.ts";
import { same, type TunedClass } from "../tuning/tune.ts";

/** A block in short: rows x columns an invocation, lanes side by side, tiles. */
export function describeBlock({ rows, texels, across, tile }: ProductBlock): string {
  const shared = tile ? `, tile ${tile.depth}${tile.half ? " f16" : ""}` : "";
  return `${rows}x${4 * texels}, ${across} across${shared}`;
}

/**
 * One line a class, most work first: products, what was tried, fastest first, and what was chosen.
 *
 * A class's name is the order of the product and the powers of two that hold rows x columns x inner.
 */
export function formatTuned(
  { adapter, plan, seconds, tuned }: {
    adapter: { description: string; driver: string };
    plan: KernelPlan;
    seconds: number;
    tuned: readonly TunedClass[];
  },
): string {
  const head = [
    `Adapter: ${adapter.description} (driver: ${adapter.driver})`,
    `Operands in ${plan.form} form, ${plan.lanes} lanes a workgroup; ` +
    `blocks are rows x columns an invocation. ${seconds.toFixed(1)} s.`,
  ];
  if (tuned.length === 0) {
    return [...head, "Nothing was timed: the adapter has no timestamp queries."].join("\n");
  }
  const rows = tuned.map(({ name, count, before, chosen, timings }) => {
    const tried = timings.toSorted((a, b) => a.milliseconds - b.milliseconds)
      .map(({ block, milliseconds }) =>
        `${milliseconds.toFixed(3)} ms ${describeBlock(block)}${same(block, before) ? " *" : ""}`
      );
    return { name, used: `${count} x`, chosen: describeBlock(chosen), tried: tried.join("; ") };
  });
  const widths = (["name", "used", "chosen"] as const)
    .map((field) => Math.max(field.length, ...rows.map((row) => row[field].length)));
  const line = (cells: string[], tried: string) =>
    [...cells.map((cell, i) => cell.padEnd(widths[i])), tried].join("  ");
  return [
    ...head,
    "",
    line(["class", "used", "chosen"], "tried (* the predicted one)"),
    ...rows.map(({ name, used, chosen, tried }) => line([name, used, chosen], tried)),
  ].join("\n");
}
