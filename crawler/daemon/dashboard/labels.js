// The labels of the settings, in words, with their units. A setting that has none here is called by the words of its name.

import { capital, spaced } from "./terms.js";

const LABELS = {
  user_agent: "Name of the crawler", contact: "Contact for site owners", sites: "Settings for single sites", sinks: "Outputs",
  "scope.reach": "Follow links", "scope.follow_moved_seeds": "Follow seeds that moved", "scope.max_depth": "Depth", "scope.include": "Only these URLs",
  "scope.exclude": "Never these URLs", "scope.limit": "Pages at most", "scope.limit_per_site": "Pages at most of each site",
  "scope.limit_per_domain": "Pages at most of each domain", "scope.time_limit_s": "Time at most", "scope.size_limit_bytes": "Download at most",
  "scope.max_repeats": "Repeats in a path at most", "scope.traps": "Endless places", "scope.follow": "Kinds of links to follow",
  "scope.max_links": "Links of one page at most", "scope.nofollow": "Heed links marked nofollow", "scope.sitemaps": "Read sitemaps",
  "scope.focus": "Visit first what promises", "search.index": "Keep a search index",
  "urls.strip_params": "Parameters to drop from URLs", "urls.strip_session_ids": "Drop session ids from URLs", "urls.sort_params": "Put parameters of URLs in order",
  "politeness.delay_s": "Rest between requests", "politeness.max_delay_s": "Longest rest that a site may ask for", "politeness.adapt": "Rest longer at slow sites",
  "politeness.adapt_factor": "Rest for each second of a slow answer", "politeness.adapt_max_s": "Longest rest at a slow site",
  "politeness.max_retry_after_s": "Longest pause that a site may ask for", "politeness.per_site": "Requests at a time at one site",
  "politeness.per_ip": "Requests at a time at one address", "politeness.max_attempts": "Attempts at most", "politeness.retry_delay_s": "Wait before the second attempt",
  "politeness.robots": "Rules of robots.txt", "politeness.robots_ttl_s": "Keep robots.txt for", "politeness.revisit_after_s": "Visit pages again after",
  "politeness.revisit_at_most_s": "Longest wait before a page is visited again",
  "fetch.fetcher_kind": "Part that makes requests", "fetch.fetcher_options": "Options of that part", "fetch.concurrency": "Visits at a time",
  "fetch.timeout_s": "Time for one answer at most", "fetch.connect_timeout_s": "Time for connecting at most", "fetch.min_bytes_per_s": "Slowest answer to accept",
  "fetch.slow_after_s": "Bear a slower answer for", "fetch.bytes_per_s": "Bandwidth at most", "fetch.max_body_bytes": "Largest page",
  "fetch.oversized": "Pages that are too large", "fetch.budget_bytes": "Memory for pages that are received", "fetch.max_redirects": "Redirects in a row at most",
  "fetch.allow_networks": "Private networks to allow", "fetch.name_servers": "Name servers", "fetch.proxy": "Proxy", "fetch.proxies": "Several proxies",
  "fetch.no_proxy": "Hosts without the proxy", "fetch.cookies": "Keep cookies", "fetch.cookie_file": "File of cookies", "fetch.verify_tls": "Check certificates",
  "fetch.ca_file": "File of certificate authorities", "fetch.accept_language": "Languages", "fetch.headers": "Header fields to send",
  "offload.executor": "Where pages are read", "offload.workers": "Workers", "offload.inline_below_bytes": "Read pages below this size at once",
  "offload.batch": "Pages handed over together", "offload.page_cpu_s": "Processor time for one page at most", "offload.page_memory_bytes": "Memory for one page at most",
  "frontier.kind": "Store of the queue", "frontier.store_options": "Options of that store", "frontier.durability": "Pages outlive", "frontier.memory_bytes": "Warn above this memory",
  "watch.blocked_after_s": "Report a stop longer than",
};

const UNITS = { bytes_per_s: "bytes a second", bytes: "bytes", s: "seconds" };

const GROUPS = {
  "": "General", scope: "Which pages", urls: "Spellings of URLs", politeness: "Politeness to sites", fetch: "Requests", offload: "Reading pages",
  search: "Search", frontier: "The queue", watch: "Watching itself",
};

const CHOICES = {
  "scope.reach": { page: "nowhere: the seeds alone", prefix: "below the folder of a seed", host: "to the seed's host", domain: "to the seed's domain and all its hosts", any: "anywhere" },
  "scope.traps": { park: "set aside until you ask", warn: "fetch them, with a warning", off: "do not look for them" },
  "scope.nofollow": { ignore: "no", pages: "of whole pages", links: "of pages and of links" },
  "politeness.adapt": { latency: "yes", off: "no" },
  "politeness.robots": { obey: "obey them", ignore: "ignore them" },
  "fetch.oversized": { discard: "leave them out", keep: "keep as much as fits" },
  "frontier.durability": { process: "the end of the program", power: "a power cut too" },
};

const last = (key) => key.split(".").pop();
export const unit = (key) => UNITS[(/(?:^|_)(bytes_per_s|bytes|s)$/.exec(last(key)) || [])[1]] || "";
const bare = (key) => last(key).replace(/_?(bytes_per_s|bytes|s)$/, "") || last(key);
export const label = (key) => LABELS[key] || capital(spaced(bare(key)));
export const group = (key) => { const table = key.includes(".") ? key.split(".")[0] : ""; return GROUPS[table] || capital(spaced(table)); };
export const choice = (key, value) => CHOICES[key]?.[value] || (typeof value === "boolean" ? (value ? "yes" : "no") : spaced(value));
const NAMES = Object.fromEntries(Object.keys(LABELS).flatMap((key) => [[last(key), LABELS[key]], [key, LABELS[key]]]));
// What the catalogue of settings says, as a form needs it: an empty field stands for what files leave out, and a label for a name.
export const help = (text) => String(text || "").replace(/\s+/g, " ").replace(/\babsent\b/g, "empty").replace(/\bAbsent\b/g, "Empty").replace(/(^|[.;] )None:/g, "$1Empty:")
  .replace(/`([a-z_.]+)`/g, (code, name) => (NAMES[name] ? `“${NAMES[name]}”` : code));
