// The report of a job: how its pages came out, by outcome, status, type, site and error, with the slowest and largest ones.

import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { query, save } from "./api.js";
import { useLive } from "./live.js";
import { Act, Empty, Fact, Link, Table, Trouble, named } from "./parts.js";
import * as terms from "./terms.js";
import { bytes, clock, duration, moment, number, percent, plain } from "./words.js";

const SHOWN_BARS = 8;
const SHOWN_SITES = 20;
const OUTCOMES = { fetched: "good", unchanged: "good", failed: "bad", excluded: "warn" };
const CLASSES = { 2: "good", 3: "plain", 4: "bad", 5: "bad" };

const ms = (n) => duration(n / 1000);
const pagesOf = (job, filter) => `#/job/${job.id}/pages${query(filter)}`;
const why = (job, url) => `#/job/${job.id}/explain/${encodeURIComponent(url)}`;
const atLeast = (one, text) => (one.is_at_least ? `at least ${text}` : text);

// Asks now and then while the job runs, and soon again while records are still counted.
function useReport(job) {
  const [isWhole, setIsWhole] = useState(false);
  const [report, error] = useLive(`v1/jobs/${job.id}/report?sites=500`, job.state === "running" ? 5000 : isWhole ? 0 : 1500);
  useEffect(() => { if (report) setIsWhole(report.share >= 1); }, [report]);
  return [report, error];
}

// A list of bars, the longest first; each leads to its pages. `rows`: { name, n, more, to, kind }.
function Bars({ title, rows, total }) {
  const [isAll, setIsAll] = useState(false);
  const shown = isAll ? rows : rows.slice(0, SHOWN_BARS);
  const most = Math.max(...rows.map(({ n }) => n), 1);
  return html`<section class="panel" aria-label=${title}><h2>${title}</h2>
    ${rows.length ? html`<ul class="bars">${shown.map(({ name, n, more, to, kind = "plain", isLeast }) => html`<li key=${name}>
      ${to ? html`<a href=${to}>${plain(name)}</a>` : html`<span>${plain(name)}</span>`}
      <span class="figures">${isLeast ? "≥ " : ""}${number(n)} <small>${percent(n / (total || 1))}${more ? ` · ${more}` : ""}</small></span>
      <span class="track" aria-hidden="true"><span class=${`fill ${kind}`} style=${{ width: `${(100 * n) / most}%` }}></span></span></li>`)}</ul>` : html`<p>None yet.</p>`}
    ${rows.length > SHOWN_BARS && html`<button type="button" class="act quiet" onClick=${() => setIsAll(!isAll)}>${isAll ? "Fewer" : `All ${number(rows.length)}`}</button>`}</section>`;
}

const outcomesOf = (job, report) => report.outcomes.map(({ disposition, reason, n }) => ({
  name: disposition + (reason ? `: ${terms.spaced(reason)}` : ""), n, kind: OUTCOMES[disposition], to: pagesOf(job, { disposition, reason }),
}));
const statusesOf = (job, report) => report.statuses.map(({ status, n }) => ({ name: String(status), n, kind: CLASSES[Math.floor(status / 100)], to: pagesOf(job, { status }) }));
function typesOf(job, report) {
  const rows = report.types.map((one) => ({
    name: one.type || "not named", n: one.n, more: bytes(one.bytes), isLeast: one.is_at_least, to: one.type.includes("/") ? pagesOf(job, { type: one.type }) : null,
  }));
  const { n, bytes: size } = report.other_types;
  return n ? [...rows, { name: "all others", n, more: bytes(size) }] : rows;
}

const COLUMNS = [
  ["Site", "site", ""], ["Pages", "pages", "n"], ["Failed", "failed", "n"], ["Size", "bytes", "n"], ["Mean time", "mean_ms", "n"], ["95 of 100 within", "p95_ms", "n"], ["Rest between requests", "delay_s", "n"],
];

function Heading({ column: [name, key, kind], order, turn }) {
  const isThis = order.key === key;
  return html`<th scope="col" class=${kind} aria-sort=${isThis ? (order.isUp ? "ascending" : "descending") : undefined}>
    <button type="button" class="sort" onClick=${() => turn(key)}>${name}<span aria-hidden="true">${isThis ? (order.isUp ? " ▲" : " ▼") : ""}</span></button></th>`;
}

function SitesTable({ job, report }) {
  const [order, setOrder] = useState({ key: "pages", isUp: false });
  const [many, setMany] = useState(SHOWN_SITES);
  const turn = (key) => setOrder({ key, isUp: order.key === key ? !order.isUp : key === "site" });
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
  const ranked = report.sites.slice().sort((a, b) => (order.isUp ? 1 : -1) * compare(a[order.key] ?? -1, b[order.key] ?? -1));
  const others = report.other_sites;
  if (!ranked.length && !others.n) return html`<${Empty}>No site has answered yet.<//>`;
  return html`<div class="wide"><table class="sites" style=${named(COLUMNS.map(([name]) => name))}><thead><tr>${COLUMNS.map((one) => html`<${Heading} key=${one[1]} column=${one} order=${order} turn=${turn} />`)}</tr></thead>
    <tbody>${ranked.slice(0, many).map((one) => html`<tr key=${one.site}><td><a href=${pagesOf(job, { site: one.site })}><${Link} url=${one.site} /></a></td>
      <td class="n">${atLeast(one, number(one.pages))}<small>of ${number(one.n)} visits</small></td>
      <td class="n">${one.failed ? html`<a class="failed" href=${pagesOf(job, { site: one.site, disposition: "failed" })}>${number(one.failed)}</a>` : "0"}</td>
      <td class="n">${bytes(one.bytes)}</td><td class="n">${one.mean_ms ? ms(one.mean_ms) : "–"}</td><td class="n">${one.p95_ms ? ms(one.p95_ms) : "–"}</td>
      <td class="n">${one.delay_s ? duration(one.delay_s) : "none"}</td></tr>`)}
    ${others.n > 0 && html`<tr><td>all other sites</td><td class="n">${number(others.pages)}<small>of ${number(others.n)} visits</small></td><td class="n">${number(others.failed)}</td><td class="n">${bytes(others.bytes)}</td>
      <td class="n">${ms(others.mean_ms)}</td><td class="n">${ms(others.p95_ms)}</td><td class="n">–</td></tr>`}</tbody></table></div>
    ${ranked.length > many && html`<p class="turn"><button type="button" class="act" onClick=${() => setMany(many * 5)}>More sites</button></p>`}`;
}

function Ranked({ job, title, name, rows, write }) {
  const [isAll, setIsAll] = useState(false);
  return html`<section class="panel" aria-label=${title}><h2>${title}</h2><${Table} empty="None yet." head=${[[name, "n"], ["page"]]}
    rows=${rows.slice(0, isAll ? rows.length : 5).map((one) => html`<tr key=${one.url + one.figure}><td class="n">${write(one.figure)}</td>
      <td><a href=${why(job, one.url)}><${Link} url=${one.url} /></a><small>${[one.status && `HTTP ${one.status}`, plain(one.type)].filter(Boolean).join(" · ")}</small></td></tr>`)} />
    ${rows.length > 5 && html`<button type="button" class="act quiet" onClick=${() => setIsAll(!isAll)}>${isAll ? "Fewer" : `All ${rows.length}`}</button>`}</section>`;
}

const Errors = ({ job, report }) => html`<section class="panel broad" aria-label="Most frequent errors"><h2>Most frequent errors</h2><${Table} empty="Nothing failed."
  head=${[["times", "n"], ["error"], ["for example"]]} rows=${report.errors.map((one) => html`<tr key=${one.reason + one.detail}><td class="n failed">${atLeast(one, number(one.n))}</td>
    <td><a href=${pagesOf(job, { disposition: "failed", reason: one.reason })}>${terms.spaced(one.reason)}</a>${one.detail && html`<small>${plain(one.detail)}</small>`}</td>
    <td><a href=${why(job, one.example)}><${Link} url=${one.example} /></a></td></tr>`)} /></section>`;

function AsOf({ report }) {
  const { share, records, counted_at: at } = report;
  if (share < 1) return html`<div class="counting" role="status"><progress value=${share} max="1" aria-label="Records counted"></progress> ${Math.floor(100 * share)} % of the records are counted so far.</div>`;
  return html`<p class="under">${terms.many(records, "record")}${report.first_at ? ` · ${moment(Date.parse(report.first_at) / 1000)} to ${moment(Date.parse(report.last_at) / 1000)}` : ""} · as of ${clock(at)}
    ${report.unreadable > 0 && ` · ${terms.many(report.unreadable, "line")} could not be read`}</p>`;
}

export function Report({ job }) {
  const [report, error] = useReport(job);
  if (!report) return html`<${Trouble} error=${error} />${!error && html`<p aria-busy="true"></p>`}`;
  const answers = report.statuses.reduce((sum, { n }) => sum + n, 0);
  const { times } = report;
  return html`<${Trouble} error=${error} /><div class="bar"><${AsOf} report=${report} /><span class="grow"></span>
    <${Act} label="Save with all findings" act=${() => save(`v1/jobs/${job.id}/report.html`, `report-${job.name || job.id}.html`)} /></div>
    <dl class="facts"><${Fact} name="content" title="Bytes of all bodies, uncompressed">${bytes(report.bytes)}<//>
      <${Fact} name="usual answer" title="Half of all answers came within this time">${times.n ? ms(times.p50_ms) : "–"}<//>
      <${Fact} name="95 of 100 within">${times.n ? ms(times.p95_ms) : "–"}<//><${Fact} name="99 of 100 within">${times.n ? ms(times.p99_ms) : "–"}<//></dl>
    <div class="panels"><${Bars} title="Outcomes" rows=${outcomesOf(job, report)} total=${report.records} />
      <${Bars} title="HTTP status" rows=${statusesOf(job, report)} total=${answers} />
      <${Bars} title="Media types" rows=${typesOf(job, report)} total=${answers} />
      <section class="panel broad" aria-label="Sites"><h2>Sites</h2><${SitesTable} job=${job} report=${report} /></section>
      <${Ranked} job=${job} title="Slowest pages" name="took" rows=${report.slowest} write=${ms} />
      <${Ranked} job=${job} title="Largest pages" name="size" rows=${report.largest} write=${bytes} />
      <${Errors} job=${job} report=${report} /></div>`;
}
