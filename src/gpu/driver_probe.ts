/**
 * Prints the adapter that this process gets, as JSON (`null` if none).
 *
 * Run in a process of its own: an isolate remembers that there was no adapter, and a broken
 * driver may take its process with it.
 */
import { describeAdapter } from "./adapter_info.ts";

const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
console.log(JSON.stringify(adapter && describeAdapter(adapter)));
