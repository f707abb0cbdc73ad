/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/** A thread that reads records for another: takes file names, gives records. See `read_ahead.ts`. */
import { runReader } from "./run_file.ts";

const read = runReader(self.name);

self.onmessage = ({ data: names }: MessageEvent<string[]>) => {
  self.postMessage(read(names));
};
