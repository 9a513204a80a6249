// The list of all jobs: in any order, filtered, with their rates and buttons.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { getMany, query, send } from "./api.js";
import { Bulk } from "./bulk.js";
import { engine } from "./engine.js";
import { useEvents, useLive } from "./live.js";
import { left, toGo } from "./eta.js";
import { Act, Badge, Empty, Trouble, named } from "./parts.js";
import * as terms from "./terms.js";
import { bytes, duration, minute, number, plain, short } from "./words.js";

const MORE = 50;
// Each column with its key in the API; those without one give no order. `first` is the direction of the first click.
const COLUMNS = [
  { key: "name", label: "Job", first: "asc" }, { key: "state", label: "State", first: "asc" }, { key: "created", label: "Created", kind: "wider rare" },
  { key: "pages", label: "Pages", kind: "n" }, { key: "pages_per_s", label: "Pages a second", kind: "n wider" }, { key: "bytes", label: "Received", kind: "n wider rare" },
  { key: "queued", label: "Queued", kind: "n wider" }, { key: "failed", label: "Failed", kind: "n" }, { label: "Progress" },
].filter(({ key }) => !(engine && key === "bytes")); // nodes do not tell it
const NEWEST = { sort: "created", order: "desc" };

export function Controls({ job, after }) {
  const act = (verb) => async () => { await send("POST", `v1/jobs/${job.id}/${verb}`); after(); };
  const isLive = ["queued", "running", "paused"].includes(job.state);
  return html`<span class="controls">
    ${["queued", "running"].includes(job.state) && html`<${Act} label="Pause" title="Start no further visits" act=${act("pause")} />`}
    ${!["queued", "running"].includes(job.state) && html`<${Act} label="Resume" title="Continue where it stopped" act=${act("resume")} />`}
    ${isLive && html`<${Act} label="Stop" kind="quiet" title="End the job. What it fetched is kept." act=${act("cancel")} />`}
  </span>`;
}

const WRITTEN = {
  URLs: (n) => number(n), pages: (n) => number(n), seconds: (n) => duration(n), bytes: (n) => bytes(n),
};

// Shows how far the job is towards its end. While it finds further URLs, those known by now are no end: then it is a bar only where the number of
// URLs still to come can be told, and words else.
export function Progress({ job }) {
  const said = job.progress;
  const isOpen = job.state === "running" && said.unit === "URLs";
  if (isOpen && !(job.eta && job.eta.left_likely !== null)) return html`<span>${`${number(said.done)} of ${number(said.of)} known URLs`}</span>`;
  if (isOpen) {
    const told = `${number(said.done)} URLs done, ${left(job.eta)} to go`;
    return html`<progress value=${said.done} max=${said.done + job.eta.left_likely || 1} title=${told} aria-label=${`Progress: ${told}`}></progress>`;
  }
  const write = WRITTEN[said.unit];
  const of = { URLs: "known URLs", pages: "pages (the limit)", seconds: "(the time limit)", bytes: "(the size limit)" }[said.unit];
  const words = `${write(said.done)} of ${write(said.of)} ${of}`;
  return html`<progress value=${said.done} max=${said.of || 1} title=${words} aria-label=${`Progress: ${words}`}></progress>`;
}

function Row({ job, refresh, isChosen, choose }) {
  const failed = job.counts.settled.failed || 0;
  const name = plain(job.name || job.id);
  const stay = (event) => event.stopPropagation();
  return html`<tr class=${`link ${isChosen ? "chosen" : ""}`} onClick=${() => { location.hash = `#/job/${job.id}`; }}>
    <td class="pick" onClick=${stay}><input type="checkbox" aria-label=${`Select ${name}`} checked=${isChosen} onChange=${(e) => choose(job.id, e.target.checked)} /></td>
    <td><a class="name" href=${`#/job/${job.id}`} onClick=${stay}>${name}</a></td>
    <td><${Badge} state=${job.state} />${job.error && html`<small class="failed" title=${plain(job.error)}>${plain(job.error).slice(0, 80)}</small>`}
      ${job.ended && job.ended !== "exhausted" && html`<small>${terms.ending(job.ended)}</small>`}</td>
    <td class="wider rare when">${minute(job.created_at)}</td>
    <td class="n">${number(job.pages)}</td>
    <td class="n wider">${job.state === "running" ? short(job.pages_per_s) : "–"}</td>
    ${!engine && html`<td class="n wider rare">${bytes(job.bytes)}</td>`}
    <td class="n wider">${number(job.counts.queued)}</td>
    <td class="n ${failed ? "failed" : ""}">${number(failed)}</td>
    <td><${Progress} job=${job} />
      <small>${engine ? (job.nodes ? terms.many(job.nodes, "node") : "") : job.state === "running" ? terms.limit(job.bound_by) : ""}</small>
      ${job.eta && job.eta.high_s !== null && html`<small>${toGo(job.eta)}</small>`}</td>
    <td><${Controls} job=${job} after=${refresh} /></td></tr>`;
}

// Text with "=" searches labels (`team=search`), any other text searches names.
const sought = (text) => (text.includes("=") ? { label: text } : { name: text });

function Heading({ column, asked, order }) {
  if (!column.key) return html`<th scope="col" class=${column.kind}>${column.label}</th>`;
  const isThis = asked.sort === column.key;
  const isUp = asked.order === "asc";
  return html`<th scope="col" class=${column.kind} aria-sort=${isThis ? (isUp ? "ascending" : "descending") : undefined}>
    <button type="button" class="sort" onClick=${() => order(column)}>${column.label}<span aria-hidden="true">${isThis ? (isUp ? " ▲" : " ▼") : ""}</span></button></th>`;
}

// A narrow screen has no headings to press.
function Order({ asked, put }) {
  return html`<div class="order"><label>Order by<select value=${asked.sort} onChange=${(e) => put({ sort: e.target.value })}>
      ${COLUMNS.filter(({ key }) => key).map(({ key, label }) => html`<option value=${key}>${label}</option>`)}</select></label>
    <label>Direction<select value=${asked.order} onChange=${(e) => put({ order: e.target.value })}><option value="desc">Highest first</option>
      <option value="asc">Lowest first</option></select></label></div>`;
}

// The order and the text are part of the address, so that a reload and a link bring them back.
function useAsked(state, search) {
  const given = Object.fromEntries(new URLSearchParams(search));
  const isKnown = COLUMNS.some(({ key }) => key && key === given.sort);
  const [asked, setAsked] = useState({ find: given.find || "", sort: isKnown ? given.sort : NEWEST.sort, order: given.order === "asc" ? "asc" : "desc" });
  const { find, sort, order } = asked;
  const isNewest = sort === NEWEST.sort && order === NEWEST.order;
  useEffect(() => history.replaceState(null, "", `#/jobs${state ? `/${state}` : ""}${query({ find, ...(isNewest ? {} : { sort, order }) })}`), [state, find, sort, order]);
  return [asked, setAsked];
}

// Keeps the last list on the screen until the next one is there.
function useList(path) {
  const [page, error, refresh] = useLive(path, 2000, getMany);
  const last = useRef(null);
  if (page) last.current = page;
  return [last.current, error, refresh, !page];
}

const nothing = (find, state) => (find ? "No job has this name or label." : state ? `No job is ${terms.state(state)}.`
  : html`No jobs yet. <a href="#/new">Start the first one</a>, or <code>${engine ? "crawl urls.txt --engine URL -o NAME" : "crawl jobs add https://example.org/"}</code> in a terminal.`);

export function Jobs({ state, search }) {
  const [asked, setAsked] = useAsked(state, search);
  const [many, setMany] = useState(MORE);
  const [chosen, setChosen] = useState(new Set());
  const [isAll, setIsAll] = useState(false);
  const { find, sort, order } = asked;
  const filter = { state, ...sought(find) };
  const [page, error, refresh, isBusy] = useList("v1/jobs" + query({ ...filter, sort, order, limit: many }));
  useEvents((event) => { if (event.kind === "state") refresh(); });
  const clear = () => { setChosen(new Set()); setIsAll(false); };
  useEffect(() => { clear(); setMany(MORE); }, [state, find]);
  const items = page?.items || [];
  const picked = items.filter(({ id }) => isAll || chosen.has(id));
  const choose = (id, isOn) => {
    const next = new Set(isAll ? items.map((job) => job.id) : chosen);
    next[isOn ? "add" : "delete"](id);
    setIsAll(false);
    setChosen(next);
  };
  const isWhole = items.length > 0 && picked.length === items.length;
  const chooseShown = (isOn) => { clear(); if (isOn) setChosen(new Set(items.map(({ id }) => id))); };
  const put = (some) => setAsked({ ...asked, ...some });
  const turn = ({ key, first = "desc" }) => put({ sort: key, order: sort !== key ? first : order === "asc" ? "desc" : "asc" });
  return html`<div class="bar"><h1>Jobs</h1>
      <nav class="pills" aria-label="States">
        <a href="#/jobs" aria-current=${state === "" ? "true" : undefined}>all</a>
        ${terms.STATE_NAMES.map((one) => html`<a href=${`#/jobs/${one}`} aria-current=${state === one ? "true" : undefined}>${terms.state(one)}</a>`)}
      </nav><span class="grow"></span>
      <input type="search" class="seek" aria-label="Find by name or label" placeholder=${engine ? "name" : "name, or label=value"} value=${find}
        onInput=${(e) => put({ find: e.target.value.trim() })} />
      <a role="button" class="act primary" href="#/new">New job</a></div>
    <${Trouble} error=${error} />
    ${page && !items.length && html`<${Empty}>${nothing(find, state)}<//>`}
    ${items.length > 0 && html`<${Order} asked=${asked} put=${put} />
      ${picked.length > 0 && html`<${Bulk} chosen=${picked} everything=${isAll ? "v1/jobs" + query(filter) : null} isWhole=${isWhole && page.next !== null}
        chooseAll=${() => setIsAll(true)} clear=${clear} refresh=${refresh} />`}
      <div class="wide"><table class="jobs" aria-busy=${isBusy} style=${named(["", ...COLUMNS.map(({ label }) => label), ""])}><thead><tr>
        <th scope="col" class="pick"><input type="checkbox" aria-label="Select all that are shown" checked=${isWhole} onChange=${(e) => chooseShown(e.target.checked)} /></th>
        ${COLUMNS.map((column) => html`<${Heading} key=${column.label} column=${column} asked=${asked} order=${turn} />`)}
        <th scope="col"><span class="hidden">Actions</span></th></tr></thead>
      <tbody>${items.map((job) => html`<${Row} key=${job.id} job=${job} refresh=${refresh} isChosen=${isAll || chosen.has(job.id)} choose=${choose} />`)}</tbody></table></div>`}
    ${page?.next && html`<p class="turn"><button type="button" class="act" aria-busy=${isBusy} onClick=${() => setMany(many + MORE)}>More</button></p>`}`;
}
