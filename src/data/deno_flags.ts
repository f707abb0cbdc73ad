/** Permissions as options of `deno run`. */
import { dirname } from "node:path";

/** What is granted: a list of paths, hosts, programs, variables or libraries; `true` stands for all. */
export type Granted = Record<
  "read" | "write" | "net" | "run" | "env" | "sys" | "ffi",
  readonly string[] | true
>;

/** Command-line flags of Deno that grant this and nothing else, and ask nobody. */
export function denoFlags({ read, write, net, run, env, sys, ffi }: Granted): string[] {
  return [
    "--no-prompt",
    ...Object.entries({ read, write, net, run, env, sys, ffi }).flatMap(([kind, list]) => {
      if (list === true) return [`--allow-${kind}`];
      return list.length > 0 ? [`--allow-${kind}=${list.map(withoutComma).join(",")}`] : [];
    }),
  ];
}

/** A comma separates paths, and Deno knows none within one: then the folder above it has to do. */
function withoutComma(path: string): string {
  const comma = path.indexOf(",");
  return comma < 0 ? path : dirname(path.slice(0, comma + 1));
}
