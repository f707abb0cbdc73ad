/** The sections of the report, in its order. A new one is a line here. */
import { type GrowthRecord, measureGrowth } from "./growth.ts";
import { renderGrowth } from "./growth_report.ts";
import { peerTargets } from "./peer_targets.ts";
import type { PeersRecord } from "./peers/record.ts";
import { renderPeers } from "./peers/render.ts";
import type { Section } from "./section.ts";
import { compile } from "./sections/compile.ts";
import { kernels } from "./sections/kernels.ts";
import { memory } from "./sections/memory.ts";
import { packing } from "./sections/packing.ts";
import { stepProfile } from "./sections/step_profile.ts";
import { waits } from "./sections/waits.ts";

const growth: Section<GrowthRecord> = {
  title: "Cost as work grows",
  file: "growth.json",
  measure: ({ engine, say }) => measureGrowth(engine, { onPoint: say }),
  render: renderGrowth,
};

/** Measured by `deno task bench:peers`, which fetches packages that nothing else needs. */
const peers: Section<PeersRecord> = {
  title: "Beside other libraries",
  file: "peers.json",
  render: renderPeers,
  targets: peerTargets,
};

/** Sections by the name that `--filter` looks at. */
export const SECTIONS: Record<string, Section<unknown>> = {
  kernels,
  "step profile": stepProfile,
  packing,
  waits,
  memory,
  compile,
  growth,
  peers,
};
