// Talks to the daemon: keeps the token, sends requests, follows the stream of events.

const base = new URL("./", document.baseURI);
const KEPT = "crawld-token";

export const token = () => sessionStorage.getItem(KEPT) || "";
export const keepToken = (text) => sessionStorage.setItem(KEPT, text.trim());

// A token that a link brought and that differs from the saved one. The link may come from an attacker, so we ask first.
let other = "";
export const otherToken = () => other;
export function settleToken(isWanted) {
  if (isWanted) keepToken(other);
  location.reload();
}

// Takes the token from the fragment, which browsers never send, and removes it from the address bar at once.
function takeToken() {
  const given = (new URLSearchParams(location.hash.slice(1)).get("token") || "").trim();
  if (!given) return false;
  history.replaceState(null, "", location.pathname + location.search);
  if (token() && token() !== given) other = given;
  else keepToken(given);
  return true;
}

takeToken();
addEventListener("hashchange", () => {
  if (!takeToken()) return;
  if (other) dispatchEvent(new Event("token"));
  else location.reload();
});

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.faults = problem.errors || [];
  }
}

export async function call(method, path, { body, lines, signal, range } = {}) {
  const headers = { Authorization: `Bearer ${token()}` };
  if (range !== undefined) headers.Range = range;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (lines !== undefined) headers["Content-Type"] = "text/uri-list";
  const sent = lines !== undefined ? lines : body === undefined ? undefined : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(new URL(path, base), { method, headers, body: sent, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { detail: "the daemon cannot be reached" });
  }
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
  return answer.status === 204 ? null : answer;
}

export const get = async (path, signal) => (await call("GET", path, { signal })).json();
export const send = async (method, path, body) => (await call(method, path, { body }))?.json();

const MOST_ITEMS = 500; // of one answer

// Returns as many items of a list as the path's `limit` says, or all of them, from one answer or several.
export async function getMany(path, signal) {
  const [bare, search] = path.split("?");
  const { limit = Infinity, ...asked } = Object.fromEntries(new URLSearchParams(search));
  const items = new Map();
  for (let cursor = null; ;) {
    const page = await get(bare + query({ ...asked, limit: Math.min(limit - items.size, MOST_ITEMS), cursor }), signal);
    page.items.forEach((one) => items.set(one.id, one));
    cursor = page.next;
    if (!cursor || items.size >= limit) return { items: [...items.values()], next: cursor };
  }
}

export function query(values) {
  const kept = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return kept.length ? "?" + new URLSearchParams(kept) : "";
}

// Saves a file under its own name. A plain link would not do: it cannot carry the token.
export async function save(path, name) {
  const url = URL.createObjectURL(await (await call("GET", path)).blob());
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// Hands every event to `heard` until `signal` aborts. After a lost connection it goes on from the last event it got.
export async function follow(path, heard, state, signal) {
  let last = null;
  while (!signal.aborted) {
    try {
      const headers = { Authorization: `Bearer ${token()}`, ...(last === null ? {} : { "Last-Event-ID": last }) };
      const answer = await fetch(new URL(path, base), { headers, signal, cache: "no-store" });
      if (!answer.ok) throw new Refused(answer.status, {});
      state(true);
      for await (const event of events(answer.body)) {
        if (event.id !== undefined) last = event.id;
        heard(event);
      }
    } catch {
      if (signal.aborted) return;
    }
    state(false);
    await new Promise((done) => setTimeout(done, 1500));
  }
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = {};
      for (const line of block.split("\n")) {
        const at = line.indexOf(": ");
        if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
      }
      if (fields.data) yield { id: fields.id, ...JSON.parse(fields.data) };
    }
  }
}
