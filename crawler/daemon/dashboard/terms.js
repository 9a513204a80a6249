// The words that people read for the words of the API: states, endings, what limits a job, the stages of a visit.

const STATES = { queued: "waiting", running: "running", paused: "paused", completed: "finished", failed: "failed", cancelled: "stopped" };
const ENDINGS = {
  exhausted: "nothing left to visit", "page-limit": "page limit reached", "time-limit": "time limit reached", "size-limit": "size limit reached",
  stopped: "stopped", aborted: "stopped at once",
};
const LIMITS = {
  politeness: "the rest between requests", "crawl-delay": "the pace that sites ask for", "per-site": "requests at a time at one site",
  "per-ip": "requests at a time at one address", retries: "waiting for another attempt", dns: "looking up names", held: "sites on hold",
  parked: "parked URLs", bandwidth: "the bandwidth limit", network: "slow answers", concurrency: "visits at a time", places: "visits of all jobs together",
  parsing: "reading pages", output: "writing records", loop: "one full processor core", seeds: "reading seeds", idle: "nothing",
};
const STAGES = {
  politeness: ["rest", "rest between requests to a site"], queue: ["our own limits", "waiting for robots.txt, address limits or memory"],
  dns: ["names", "looking up names"], connect: ["connecting", "connecting and encrypting"], wait: ["answers", "waiting for the server's answer"],
  download: ["download", "receiving bodies"], parse: ["reading", "reading pages"], output: ["writing", "writing records"],
};

export const STATE_NAMES = Object.keys(STATES);
export const state = (name) => STATES[name] || name;
export const ending = (name) => ENDINGS[name] || spaced(name);
export const limit = (name) => LIMITS[name] || spaced(name);
export const stage = (name) => STAGES[name] || [name, ""];

// A word of the API as plain words: "too-many-redirects" is "too many redirects".
export const spaced = (name) => String(name ?? "").replace(/[-_.]+/g, " ").trim();
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const many = (n, one, more = `${one}s`) => `${new Intl.NumberFormat("en").format(n)} ${n === 1 ? one : more}`;
