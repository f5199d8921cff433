/** The admin API, as the pages of operators use it: with a key or token that is kept in this tab only. */

const KEPT = "exeunt.admin"; // in sessionStorage
const LIMIT = 10_000; // milliseconds for an answer

/** What the server refused: `code` for programs, the message for people. */
export class Refused extends Error {
  constructor(status, code, text) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

/** The key or token that was given in this tab; an empty string if none was. */
export function keptKey() {
  return sessionStorage.getItem(KEPT) ?? "";
}

/** Use this key or token in this tab from now on; an empty one forgets it. */
export function keepKey(key) {
  if (key) sessionStorage.setItem(KEPT, key);
  else sessionStorage.removeItem(KEPT);
}

/** The address of something of the server, beside which `/admin` and above which `/api/docs` is. */
export function address(path) {
  const base = location.pathname.endsWith("/api/docs") ? "../" : "./";
  return new URL(base + path.replace(/^\//, ""), location.href).href;
}

/** Ask the server for something; what it answers as JSON. Raises `Refused`, or what `fetch` raises. */
export async function call(method, path, body) {
  const response = await request(method, path, body, AbortSignal.timeout(LIMIT));
  return response.json();
}

/** A path of which the parts in braces are filled in. */
export function fill(path, parts) {
  return path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parts[name] ?? ""));
}

/** What the server counts and measures, as text; null if it does not tell us. */
export async function readMetrics() {
  try {
    const response = await request("GET", "metrics", undefined, AbortSignal.timeout(LIMIT));
    return await response.text();
  } catch (error) {
    if (error instanceof Refused) return null;
    return ""; // not at the moment
  }
}

/** Hear of everything that happens, until the connection ends. `EventSource` could not say who we are. */
export async function watch({ opened, heard, signal }) {
  const response = await request("GET", "api/events", undefined, signal);
  opened();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) hear(block, heard);
  }
}

function hear(block, heard) {
  const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
  if (fields.has("event")) heard(fields.get("event"), JSON.parse(fields.get("data")));
  else heard("alive", null);
}

async function request(method, path, body, signal) {
  const headers = {};
  if (keptKey()) headers.Authorization = `Bearer ${keptKey()}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(address(path), {
    method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", credentials: "omit",
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => null);
  throw new Refused(response.status, problem?.code ?? "", problem?.text ?? `The server answers HTTP ${response.status}.`);
}
