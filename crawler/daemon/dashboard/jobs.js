// The list of all jobs, newest first, with their rates and buttons.

import { html, useState } from "./vendor/preact-htm.js";
import { query, send } from "./api.js";
import { useEvents, useLive } from "./live.js";
import { Act, Badge, Empty, Trouble } from "./parts.js";
import { bytes, duration, moment, number, plain, short } from "./words.js";

export const STATES = ["queued", "running", "paused", "completed", "failed", "cancelled"];

export function Controls({ job, after }) {
  const act = (verb) => async () => { await send("POST", `v1/jobs/${job.id}/${verb}`); after(); };
  const isLive = ["queued", "running", "paused"].includes(job.state);
  return html`<span class="controls">
    ${["queued", "running"].includes(job.state) && html`<${Act} label="Pause" title="Start no further visits" act=${act("pause")} />`}
    ${!["queued", "running"].includes(job.state) && html`<${Act} label="Resume" title="Continue where it stopped" act=${act("resume")} />`}
    ${isLive && html`<${Act} label="Cancel" kind="quiet" title="End the job. What it fetched is kept." act=${act("cancel")} />`}
  </span>`;
}

const WRITTEN = {
  URLs: (n) => number(n), pages: (n) => number(n), seconds: (n) => duration(n), bytes: (n) => bytes(n),
};

// Shows how far the job is towards its end: all its URLs, or a limit, whichever comes first.
export function Progress({ said }) {
  const write = WRITTEN[said.unit];
  const of = { URLs: "known URLs", pages: "pages (the limit)", seconds: "(the time limit)", bytes: "(the size limit)" }[said.unit];
  return html`<progress value=${said.done} max=${said.of || 1} title=${`${write(said.done)} of ${write(said.of)} ${of}`}></progress>`;
}

function Row({ job, refresh }) {
  const failed = job.counts.settled.failed || 0;
  return html`<tr class="link" onClick=${() => { location.hash = `#/job/${job.id}`; }}>
    <td><a class="name" href=${`#/job/${job.id}`} onClick=${(e) => e.stopPropagation()}>${plain(job.name || job.id)}</a>
      <small>${moment(job.created_at)}</small></td>
    <td><${Badge} state=${job.state} />${job.error && html`<small class="failed" title=${plain(job.error)}>${plain(job.error).slice(0, 80)}</small>`}
      ${job.ended && job.ended !== "exhausted" && html`<small>${job.ended}</small>`}</td>
    <td class="n">${number(job.pages)}</td>
    <td class="n wider">${job.state === "running" ? short(job.pages_per_s) : "–"}</td>
    <td class="n wider">${bytes(job.bytes)}</td>
    <td class="n wider">${number(job.counts.queued)}</td>
    <td class="n ${failed ? "failed" : ""}">${number(failed)}</td>
    <td class="wider"><${Progress} said=${job.progress} />
      <small>${job.state === "running" ? job.bound_by : ""}</small></td>
    <td><${Controls} job=${job} after=${refresh} /></td></tr>`;
}

// Text with "=" searches labels (`team=search`), any other text searches names.
const sought = (text) => (text.includes("=") ? { label: text } : { name: text });

export function Jobs({ state }) {
  const [cursors, setCursors] = useState([]);
  const [wanted, setWanted] = useState("");
  const cursor = cursors[cursors.length - 1];
  const [page, error, refresh] = useLive("v1/jobs" + query({ state, ...sought(wanted), cursor, limit: 50 }), 2000);
  useEvents((event) => { if (event.kind === "state") refresh(); });
  return html`<div class="bar"><h1>Jobs</h1>
      <nav class="pills" aria-label="States">
        <a href="#/" aria-current=${state === "" ? "true" : undefined}>all</a>
        ${STATES.map((one) => html`<a href=${`#/jobs/${one}`} aria-current=${state === one ? "true" : undefined}>${one}</a>`)}
      </nav><span class="grow"></span>
      <input type="search" class="seek" aria-label="Find by name or label" placeholder="name, or label=value" value=${wanted}
        onInput=${(e) => { setCursors([]); setWanted(e.target.value.trim()); }} />
      <a role="button" class="act primary" href="#/new">New job</a></div>
    <${Trouble} error=${error} />
    ${page && !page.items.length && html`<${Empty}>${wanted ? "No job has this name or label." : state ? `No job is ${state}.` : html`No jobs yet. <a href="#/new">Start the first one</a>, or
      <code>crawl jobs add https://example.org/</code> in a terminal.`}<//>`}
    ${page && page.items.length > 0 && html`<div class="wide"><table class="jobs"><thead><tr>
      <th scope="col">job</th><th scope="col">state</th><th scope="col" class="n">pages</th><th scope="col" class="n wider">pages/s</th>
      <th scope="col" class="n wider">received</th><th scope="col" class="n wider">queued</th><th scope="col" class="n">failed</th>
      <th scope="col" class="wider">done</th><th scope="col"><span class="hidden">actions</span></th></tr></thead>
      <tbody>${page.items.map((job) => html`<${Row} key=${job.id} job=${job} refresh=${refresh} />`)}</tbody></table></div>`}
    <p class="turn">${cursors.length > 0 && html`<button type="button" class="act" onClick=${() => setCursors(cursors.slice(0, -1))}>Newer</button>`}
      ${page?.next && html`<button type="button" class="act" onClick=${() => setCursors([...cursors, page.next])}>Older</button>`}</p>`;
}
