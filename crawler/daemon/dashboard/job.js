// One job: its heading, its buttons, and its tabs.

import { html, useEffect } from "./vendor/preact-htm.js";
import { send } from "./api.js";
import { engine } from "./engine.js";
import { Controls } from "./jobs.js";
import { useEvents, useLive } from "./live.js";
import { Log } from "./log.js";
import { Nodes } from "./nodes.js";
import { Overview } from "./overview.js";
import { Act, Badge, Trouble } from "./parts.js";
import { Errors, Files, History, Pages, Sites } from "./lists.js";
import { Explain } from "./explain.js";
import { Repeat } from "./repeat.js";
import { Report } from "./report.js";
import { Settings } from "./settings.js";
import * as terms from "./terms.js";
import { moment, number, plain } from "./words.js";

const TABS = engine ? { overview: Overview, nodes: Nodes, explain: Explain, history: History } : { overview: Overview, report: Report, sites: Sites, pages: Pages, errors: Errors, log: Log, explain: Explain, settings: Settings, files: Files, history: History };

export function Job({ id, tab, search }) {
  const [job, error, refresh] = useLive(`v1/jobs/${id}`, 1000);
  useEvents((event) => {
    if (event.job !== id || event.kind === "progress") return;
    if (event.data.to === "removed") location.hash = "#/";
    else refresh();
  });
  useEffect(() => { if (job) document.title = `${plain(job.name || job.id)} · crawld`; }, [job?.name]);
  useEffect(() => document.getElementById(`tab-${tab}`)?.scrollIntoView({ block: "nearest", inline: "nearest" }), [tab, Boolean(job)]);
  if (!job) return html`<${Trouble} error=${error} />${!error && html`<p aria-busy="true"></p>`}`;
  const Shown = TABS[tab] || Overview;
  const remove = async () => { await send("DELETE", `v1/jobs/${id}`); location.hash = "#/"; };
  const names = Object.keys(TABS);
  // Arrow keys, Home and End move between tabs, as in every tab list.
  const move = (event) => {
    const at = names.indexOf(tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = names[(to + names.length) % names.length];
    location.hash = `#/job/${id}/${next}`;
    requestAnimationFrame(() => document.getElementById(`tab-${next}`)?.focus());
  };
  return html`
    <div class="bar"><h1>${plain(job.name || job.id)} <${Badge} state=${job.state} /></h1><span class="grow"></span>
      <${Controls} job=${job} after=${refresh} />${!engine && html`<${Repeat} job=${job} />
      <${Act} label="Delete" kind="quiet danger" ask=${{ question: "Delete this job?", more: ["Its folder and everything it fetched are deleted too. This cannot be undone."] }} act=${remove} title="Delete the job and its folder" />`}</div>
    <p class="under">${engine ? "" : `${job.id} · `}created ${moment(job.created_at)}${job.ended_at ? ` · ended ${moment(job.ended_at)}` : ""}${job.ended ? `, ${terms.ending(job.ended)}` : ""}
      ${!engine && ` · ${number(job.seeds.given)} seed${job.seeds.given === 1 ? "" : "s"}`}${job.seeds.queued !== job.seeds.given && !job.seeds.is_reading ? `, ${number(job.seeds.queued)} queued` : ""}${job.seeds.is_reading ? ", still reading" : ""}${job.seeds.bad ? `, ${number(job.seeds.bad)} unusable` : ""}
      ${Object.entries(job.labels).map(([name, value]) => html` · <span class="label">${plain(name)}=${plain(value)}</span>`)}</p>
    ${job.has_more && html`<p class="hint">There is more to do. Resume the job to continue.</p>`}
    ${job.wishes.length > 0 && html`<p class="hint">Your request is saved. It is carried out when the job runs.</p>`}
    ${job.error && html`<div class="trouble" role="alert">${plain(job.error)}</div>`}
    <${Trouble} error=${error} />
    <div class="tabs" role="tablist" aria-label="Views of the job" onKeyDown=${move}>${names.map((name) => html`
      <a id=${`tab-${name}`} role="tab" href=${`#/job/${id}/${name}`} aria-selected=${String(name === tab)} tabindex=${name === tab ? 0 : -1}>${terms.capital(name)}</a>`)}</div>
    <section role="tabpanel" aria-labelledby=${`tab-${tab}`}><${Shown} key=${search} job=${job} search=${search} refresh=${refresh} /></section>`;
}
