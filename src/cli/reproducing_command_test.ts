import assert from "node:assert/strict";
import { reproducingCommand } from "./reproducing_command.ts";

Deno.test("the command names the study and every option that changes it", () => {
  assert.equal(reproducingCommand("quick", {}), "deno task ablate quick");
  assert.equal(
    reproducingCommand("slake", {
      arms: ["baseline", "cosine-constraint"],
      lambda: [0, 0.5],
      seeds: 5,
      data: "slake",
      encoder: "Xenova/clip-vit-base-patch32",
      steps: 100,
      set: ["training.batch=4", "data.language=en"],
      adapter: "llvmpipe",
    }),
    "deno task ablate slake --arms baseline,cosine-constraint --lambda 0,0.5 --seeds 5 --data slake " +
      "--encoder Xenova/clip-vit-base-patch32 --steps 100 --set training.batch=4 --set data.language=en --adapter llvmpipe",
  );
});

Deno.test("no folder of the machine stands in it", () => {
  assert.equal(
    reproducingCommand("/home/me/mine.json", {
      dataDir: "/home/me/data",
      encoder: "/home/me/model",
      set: ["encoder.name=/home/me/model", "encoder.name=../model"],
    }),
    "deno task ablate STUDY.json --data-dir DIR --encoder DIR --set encoder.name=PATH --set encoder.name=PATH",
  );
  assert.equal(
    reproducingCommand("quick", { encoder: "features:/home/me/features" }),
    "deno task ablate quick --encoder features:DIR",
  );
  assert.equal(reproducingCommand("mine.json", {}), "deno task ablate STUDY.json");
});

Deno.test("words are quoted for the shell where they need it", () => {
  assert.equal(
    reproducingCommand("quick", { set: ["title=It's a title"], adapter: "NVIDIA H100" }),
    `deno task ablate quick --set 'title=It'\\''s a title' --adapter 'NVIDIA H100'`,
  );
});
