/**
 * A headless Chromium for tests of pages, where the machine has one.
 *
 * It is spoken to by the Chrome DevTools Protocol over a WebSocket
 * (https://chromedevtools.github.io/devtools-protocol/); method names are those of the protocol.
 */
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"];

/** An open page. */
export interface BrowserPage {
  /** Calls a method of the protocol. */
  send(method: string, params?: object): Promise<Record<string, unknown>>;
  /** The value of a JavaScript expression in the page, which JSON can hold. */
  evaluate(expression: string): Promise<unknown>;
  /** Loads an address and waits until it has loaded. */
  open(url: string): Promise<void>;
  /** Addresses that the page has asked for. */
  requests: string[];
}

/** A Chromium's path: what PLUMBLINE_CHROMIUM names, else the first of the PATH; null without one. */
export function findChromium(): string | null {
  const named = Deno.env.get("PLUMBLINE_CHROMIUM");
  if (named) return named;
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isFile) ?? null;
}

/** Opens a page in a Chromium of its own, which ends with the check. */
export async function withChromium(
  path: string,
  check: (page: BrowserPage) => Promise<void>,
): Promise<void> {
  const profile = await Deno.makeTempDir();
  const browser = new Deno.Command(path, {
    args: [
      "--headless",
      // The tests open nothing but files of their own; a container's root has no sandbox.
      "--no-sandbox",
      "--no-zygote",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const messages = browser.stderr.pipeThrough(new TextDecoderStream()).getReader();
  const socket = new WebSocket(await pageAddress(messages));
  try {
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("Cannot speak to Chromium"));
    });
    await check(await openPage(socket));
  } finally {
    const closed = new Promise((resolve) => socket.onclose = resolve);
    socket.close();
    browser.kill("SIGKILL");
    await closed;
    await browser.status;
    await messages.cancel();
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
}

/** Address of the first page, from the line in which the browser says where it listens. */
async function pageAddress(messages: ReadableStreamDefaultReader<string>): Promise<string> {
  let said = "";
  for (;;) {
    const { value, done } = await messages.read();
    if (done) throw new Error(`Cannot start Chromium: ${said.trim().split("\n").at(-1)}`);
    said += value;
    const port = said.match(/DevTools listening on ws:\/\/[^:]+:(\d+)\//)?.[1];
    if (port === undefined) continue;
    const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
    return targets.find(({ type }: { type: string }) => type === "page").webSocketDebuggerUrl;
  }
}

async function openPage(socket: WebSocket): Promise<BrowserPage> {
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  const requests: string[] = [];
  let loaded = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    const { id, result, error, method, params } = JSON.parse(data);
    if (error) waiting.get(id)?.reject(new Error(error.message));
    else if (id !== undefined) waiting.get(id)?.resolve(result);
    if (method === "Page.loadEventFired") loaded.resolve();
    if (method === "Network.requestWillBeSent") requests.push(params.request.url);
  };
  let calls = 0;
  const send: BrowserPage["send"] = (method, params = {}) => {
    const call = Promise.withResolvers<Record<string, unknown>>();
    waiting.set(++calls, call);
    socket.send(JSON.stringify({ id: calls, method, params }));
    return call.promise;
  };
  await send("Page.enable");
  await send("Network.enable");
  return {
    send,
    requests,
    async evaluate(expression) {
      const { result, exceptionDetails } = await send("Runtime.evaluate", {
        expression,
        returnByValue: true,
        awaitPromise: true,
      }) as { result: { value: unknown }; exceptionDetails?: { text: string } };
      if (exceptionDetails) throw new Error(`${exceptionDetails.text}: ${expression}`);
      return result.value;
    },
    async open(url) {
      loaded = Promise.withResolvers();
      await send("Page.navigate", { url });
      await loaded.promise;
    },
  };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
