/**
 * The peers' npm packages, as `peers.json` beside this file pins them.
 *
 * Specifiers have type string, so that no tool takes them for imports: only `deno task bench:peers`
 * runs with that configuration, and only then are the packages fetched.
 */

/** A package of npm. */
export interface Package {
  specifier: string;
  version: string;
}

const { default: { imports } } = await import("./peers.json", {
  with: { type: "json" },
});

function pinned(name: keyof typeof imports, entry = ""): Package {
  const version = imports[name].slice(imports[name].lastIndexOf("@") + 1);
  return { specifier: name + entry, version };
}

export const JAX_JS: Package = pinned("@jax-js/jax");
export const TFJS: Package = pinned("@tensorflow/tfjs");
export const TFJS_WEBGPU: Package = pinned("@tensorflow/tfjs-backend-webgpu");
export const TFJS_WASM: Package = pinned("@tensorflow/tfjs-backend-wasm");
export const ONNXRUNTIME_WEB: Package = pinned("onnxruntime-web", "/webgpu");
export const ONNXRUNTIME_NODE: Package = pinned("onnxruntime-node");
