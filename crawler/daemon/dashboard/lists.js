// The lists of a job: sites, pages, failures, files, history.

import { html, useState } from "./vendor/preact-htm.js";
import { query, save, send } from "./api.js";
import { label } from "./labels.js";
import { useLive } from "./live.js";
import { Act, Link, Table, Trouble } from "./parts.js";
import { HEAD, PageRow } from "./record.js";
import { Hits, SearchBox } from "./search.js";
import * as terms from "./terms.js";
import { Said, wish } from "./wishes.js";
import { bytes, clock, duration, moment, number, plain } from "./words.js";

const turn = (one) => (one.is_held ? "held" : one.next_turn_in_s === null ? (one.leased ? "being visited" : one.queued ? "after another job" : "–")
  : one.next_turn_in_s > 0 ? `in ${duration(one.next_turn_in_s)}` : "now");

const ROBOTS = { "not-asked": "not asked yet", open: "nothing forbidden", rules: "has rules", unreachable: "unreachable", ignored: "ignored" };

const Robots = ({ said }) => html`${ROBOTS[said.state]}${said.crawl_delay_s !== null && html`<small>Crawl-delay: ${said.crawl_delay_s}</small>`}
  ${said.state === "unreachable" && html`<small>${plain(said.detail)}; asked again ${said.asked_in_s > 0 ? `in ${duration(said.asked_in_s)}` : "with the next visit"}</small>`}`;

export function Sites({ job }) {
  // A job that does not run is asked rarely: each answer reads its whole frontier file.
  const [sites, error, refresh] = useLive(`v1/jobs/${job.id}/sites`, job.state === "running" ? 2000 : 30000);
  const steer = (site, verb) => async () => { await send("POST", `v1/jobs/${job.id}/sites/${verb}`, { site }); refresh(); };
  return html`<${Trouble} error=${error} />${sites && html`<${Table} empty="No site has URLs to visit."
    head=${[["site"], ["queued", "n"], ["under way", "n wider"], ["next turn", "n"], ["rest", "n"], ["robots.txt", "wider"], [html`<span class="hidden">actions</span>`, ""]]}
    rows=${sites.items.map((one) => html`<tr key=${one.site} class=${one.is_held ? "held" : ""}>
      <td><${Link} url=${one.site} />${one.rules.length > 0 && html`<small>settings of ${plain(one.rules.join(", "))}</small>`}${one.proxy && html`<small>through ${plain(one.proxy)}</small>`}</td><td class="n">${number(one.queued)}${one.retrying > 0 && html`<small>${number(one.retrying)} to try again</small>`}</td><td class="n wider">${number(one.leased)}</td>
      <td class="n">${turn(one)}${one.backoff_s > 0 && html`<small class="failed">paused after: ${one.setback}</small>`}</td>
      <td class="n">${one.rest_s ? duration(one.rest_s) : "none"}${one.slowed_by && html`<small>${plain(one.slowed_by)}</small>`}</td><td class="wider"><${Robots} said=${one.robots} /></td>
      <td>${one.is_held ? html`<${Act} label="Release" act=${steer(one.site, "release")} />` : html`<${Act} label="Hold" title="Stop visiting this site until you release it" act=${steer(one.site, "hold")} />`}</td></tr>`)} />`}`;
}

const FILTERS = ["status", "site", "type", "disposition", "reason"];
const pagesOf = (job, filter) => `#/job/${job.id}/pages${query(filter)}`;

export function Pages({ job, search }) {
  const words = new URLSearchParams(search).get("q") || "";
  return html`<${SearchBox} job=${job} words=${words} />${words ? html`<${Hits} job=${job} words=${words} />` : html`<${Records} job=${job} search=${search} />`}`;
}

// The filter is part of the address, so that people can link to it.
function Records({ job, search }) {
  const given = new URLSearchParams(search);
  const filter = Object.fromEntries(FILTERS.map((name) => [name, given.get(name) || ""]));
  const [draft, setDraft] = useState(filter);
  const [cursors, setCursors] = useState([]);
  const [page, error] = useLive(`v1/jobs/${job.id}/pages` + query({ ...filter, cursor: cursors[cursors.length - 1], limit: 100 }));
  const apply = (event) => { event.preventDefault(); setCursors([]); location.hash = pagesOf(job, draft); };
  const field = (name, label, sample) => html`<label>${label}<input type="search" placeholder=${sample} value=${draft[name]}
    onInput=${(e) => setDraft({ ...draft, [name]: e.target.value.trim() })} /></label>`;
  return html`<form class="filter pages" onSubmit=${apply}>
      ${field("status", "status", "404 or 4xx")}${field("site", "site", "https://example.org")}${field("type", "type", "text/html")}
      <label>result<select value=${draft.disposition} onChange=${(e) => setDraft({ ...draft, disposition: e.target.value })}>
        ${["", "fetched", "redirected", "unchanged", "duplicate", "excluded", "failed"].map((one) => html`<option value=${one}>${one || "any"}</option>`)}</select></label>
      ${field("reason", "reason", "timeout")}<button type="submit" class="act primary">Filter</button></form>
    <${Trouble} error=${error} />
    ${page && html`<${Table} empty=${page.next ? "No match in this part of the file. Press Next to search on." : "No record matches."}
      head=${HEAD} rows=${page.items.map((one) => html`<${PageRow} key=${one.url + one.visit} job=${job} one=${one} />`)} />`}
    <p class="turn">${cursors.length > 0 && html`<button type="button" class="act" onClick=${() => setCursors(cursors.slice(0, -1))}>Back</button>`}
      ${page?.next && page.items.length > 0 && html`<button type="button" class="act" onClick=${() => setCursors([...cursors, page.next])}>Next</button>`}</p>`;
}

// The latest failures of one group.
function Failed({ job, one }) {
  const filter = { disposition: "failed", site: one.site, reason: one.reason };
  const [page, error] = useLive(`v1/jobs/${job.id}/pages${query({ ...filter, last: 10 })}`);
  return html`<tr><td colspan="6" class="group"><${Trouble} error=${error} />${page && html`<ul>${page.items.map((each) => html`<li key=${each.url + each.visit}>
    <a href=${`#/job/${job.id}/explain/${encodeURIComponent(each.url)}`}><${Link} url=${each.url} /></a>
    <small>${[each.detail || (each.status && `HTTP ${each.status}`), moment(Date.parse(each.fetched_at) / 1000)].filter(Boolean).map(plain).join(" · ")}</small></li>`)}</ul>
    <a href=${pagesOf(job, filter)}>All ${number(one.n)} of them</a>`}</td></tr>`;
}

function Group({ job, one, say }) {
  const [isOpen, setIsOpen] = useState(false);
  return html`<tr><td><button type="button" class="act quiet" aria-expanded=${String(isOpen)} aria-label=${`Pages that failed at ${plain(one.site)}: ${one.reason}`}
      onClick=${() => setIsOpen(!isOpen)}>${isOpen ? "▾" : "▸"}</button></td><td><${Link} url=${one.site} /></td><td>${one.reason}</td>
    <td class="n failed">${number(one.n)}</td><td class="wider"><a href=${`#/job/${job.id}/explain/${encodeURIComponent(one.example)}`}><${Link} url=${one.example} /></a></td>
    <td><${Act} label="Try again" title=${`Fetch again every URL of this job that failed with ${one.reason}, on any site`} act=${wish(job, "retry", { reasons: [one.reason] }, say)} /></td></tr>
    ${isOpen && html`<${Failed} job=${job} one=${one} />`}`;
}

export function Errors({ job }) {
  const [errors, error] = useLive(`v1/jobs/${job.id}/errors`, 5000);
  const [said, say] = useState("");
  const failed = job.counts.settled.failed || 0;
  return html`<${Trouble} error=${error} />${failed > 0 && html`<div class="bar"><span class="grow">${number(failed)} URL${failed === 1 ? " has" : "s have"} failed.</span>
      <${Act} label="Try all again" act=${wish(job, "retry", {}, say)} /></div>`}<${Said} text=${said} />${errors && html`<${Table} empty="Nothing failed."
    head=${[[html`<span class="hidden">pages</span>`], ["site"], ["reason"], ["times", "n"], ["for example", "wider"], [html`<span class="hidden">actions</span>`]]}
    rows=${errors.items.map((one) => html`<${Group} key=${one.site + one.reason} job=${job} one=${one} say=${say} />`)} />`}`;
}

export function Files({ job }) {
  const [files, error] = useLive(`v1/jobs/${job.id}/files`, 10000);
  return html`<${Trouble} error=${error} />${files && html`<${Table} empty="No files yet."
    head=${[["file"], ["size", "n"], ["changed"], ["", ""]]}
    rows=${files.items.map((one) => html`<tr key=${one.path}><td><code>${plain(one.path)}</code></td><td class="n">${bytes(one.bytes)}</td><td>${moment(one.modified_at)}</td>
      <td><${Act} label="Save" act=${() => save(`v1/jobs/${job.id}/files/${one.path.split("/").map(encodeURIComponent).join("/")}`, one.path.split("/").pop())} /></td></tr>`)} />`}`;
}

const KINDS = { state: "State", change: "Change", note: "Note" };
const WHO = { api: "a client", daemon: "the daemon" };
const shown = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
const change = ({ key, from, to, site }) => `${named(key)}${site ? ` ${site}` : ""}: ${shown(from)} → ${shown(to)}`;
const named = (key) => (key.includes(".") ? `${label(key)} (${key})` : label(key));

// What happened, in words: the fields of the event, but for who did it.
function told({ kind, data }) {
  const { who, from, to, ended, error, changes = [], ...more } = data;
  const moved = kind !== "state" ? "" : from ? `${terms.state(from)} → ${terms.state(to)}` : "created";
  const rest = Object.entries(more).filter(([, value]) => value !== null && value !== "").map(([name, value]) => `${terms.spaced(name)}: ${shown(value)}`);
  return [moved, ended && terms.ending(ended), error, ...changes.map(change), ...rest].filter(Boolean).join(" · ");
}

export function History({ job }) {
  const [history, error] = useLive(`v1/jobs/${job.id}/history`, 5000);
  return html`<${Trouble} error=${error} />${history && html`<${Table} empty="Nothing happened yet." head=${[["when"], ["what"], ["details"], ["by"]]}
    rows=${history.items.slice().reverse().map((one) => html`<tr key=${one.id}><td>${moment(one.at)}</td><td>${KINDS[one.kind] || one.kind}</td><td>${plain(told(one))}</td>
      <td class="words">${one.data.who ? WHO[one.data.who] || plain(one.data.who) : ""}</td></tr>`)} />`}`;
}
