// Schedules of repeated jobs: list, add, switch off and on, remove.

import { html, useState } from "./vendor/preact-htm.js";
import { send } from "./api.js";
import { useEvents, useLive } from "./live.js";
import { Act, Empty, Trouble } from "./parts.js";
import { moment, plain } from "./words.js";

const OVERLAPS = { skip: "skip this run", queue: "start when it ends", "cancel-old": "cancel it and start" };
const CATCH_UPS = { once: "start one job as soon as it runs again", never: "wait for the next time" };
const PLACE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const BLANK = { cron: "0 6 * * *", zone: PLACE, seeds: "", name: "", template: "", overlap: "skip", catch_up: "once" };

function Row({ one, refresh }) {
  const path = `v1/schedules/${one.id}`;
  const turn = async () => { await send("PATCH", path, { is_enabled: !one.is_enabled }); refresh(); };
  const remove = async () => { await send("DELETE", path); refresh(); };
  return html`<tr class=${one.is_enabled ? "" : "held"}>
    <td>${plain(one.name || one.seeds[0])}<small>${one.seeds.length === 1 ? plain(one.seeds[0]) : `${one.seeds.length} seeds`}</small></td>
    <td><code>${plain(one.cron)}</code><small>${plain(one.zone)}</small></td>
    <td>${one.is_enabled ? moment(one.next_at) : "off"}${one.is_waiting && html`<small>one is waiting</small>`}</td>
    <td>${one.last_job ? html`<a href=${`#/job/${one.last_job}`}>${moment(one.last_at)}</a>` : "–"}${one.said && html`<small>${plain(one.said)}</small>`}</td>
    <td class="wider">${one.overlap}</td>
    <td><span class="controls"><${Act} label=${one.is_enabled ? "Switch off" : "Switch on"} act=${turn} />
      <${Act} label="Delete" kind="quiet danger" ask=${{ question: "Delete this schedule?", more: ["Its jobs are kept."] }} act=${remove} /></span></td></tr>`;
}

function Add({ done }) {
  const [asked, setAsked] = useState(BLANK);
  const [trouble, setTrouble] = useState(null);
  const [busy, setBusy] = useState(false);
  const [templates] = useLive("v1/templates");
  const put = (name) => (event) => setAsked({ ...asked, [name]: event.target.value });
  const faultOf = (name) => trouble?.faults?.find((fault) => fault.field === name || fault.field.startsWith(`${name}.`))?.detail;
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const { template, ...rest } = asked;
      const seeds = asked.seeds.split("\n").map((line) => line.trim()).filter(Boolean);
      await send("POST", "v1/schedules", { ...rest, seeds, ...(template ? { template } : {}) });
      setAsked(BLANK);
      setTrouble(null);
      done();
    } catch (problem) { setTrouble(problem); }
    setBusy(false);
  };
  const field = (name, about, input) => html`<div class="field"><label for=${`schedule-${name}`}>${name.replace("_", " ")}</label>${input}
    <small class=${faultOf(name) ? "failed" : ""}>${faultOf(name) ? plain(faultOf(name)) : about}</small></div>`;
  const text = (name, placeholder) => html`<input id=${`schedule-${name}`} type="text" value=${asked[name]} placeholder=${placeholder} onInput=${put(name)}
    aria-invalid=${faultOf(name) ? "true" : undefined} autocomplete="off" spellcheck=${false} />`;
  const choice = (name, choices) => html`<select id=${`schedule-${name}`} value=${asked[name]} onChange=${put(name)}>
    ${Object.entries(choices).map(([value, words]) => html`<option value=${value}>${words}</option>`)}</select>`;
  return html`<form class="create" onSubmit=${submit}>
    <${Trouble} error=${trouble} />
    <label>Seeds, one a line<textarea rows="3" name="seeds" placeholder="https://example.org/" value=${asked.seeds} onInput=${put("seeds")} spellcheck=${false}
      aria-invalid=${faultOf("seeds") ? "true" : undefined}></textarea></label>
    <div class="fields">
      ${field("cron", "minute, hour, day of month, month, day of week", text("cron", "0 6 * * MON-FRI"))}
      ${field("zone", "time zone of the cron line", text("zone", "UTC"))}
      ${field("name", "name of the jobs", text("name", "the first seed's site"))}
      ${field("template", "settings to start from", html`<select id="schedule-template" value=${asked.template} onChange=${put("template")}><option value="">none</option>
        ${(templates?.items || []).map(({ name }) => html`<option value=${name}>${plain(name)}</option>`)}</select>`)}
      ${field("overlap", "if the previous job has not ended", choice("overlap", OVERLAPS))}
      ${field("catch_up", "if the daemon was not running at that time", choice("catch_up", CATCH_UPS))}
    </div>
    <p><button type="submit" class="act primary" aria-busy=${busy} disabled=${busy}>Save schedule</button></p></form>`;
}

export function Schedules() {
  const [page, error, refresh] = useLive("v1/schedules", 5000);
  useEvents((event) => { if (event.kind === "state") refresh(); });
  const items = page?.items || [];
  return html`<h1>Schedules</h1>
    <${Trouble} error=${error} />
    ${page && !items.length && html`<${Empty}>No schedules yet. A schedule starts a job again and again: every morning, say, or on the first of each month.<//>`}
    ${items.length > 0 && html`<div class="wide"><table><thead><tr><th scope="col">job</th><th scope="col">when</th><th scope="col">next</th>
      <th scope="col">last</th><th scope="col" class="wider">overlap</th><th scope="col"><span class="hidden">actions</span></th></tr></thead>
      <tbody>${items.map((one) => html`<${Row} key=${one.id} one=${one} refresh=${refresh} />`)}</tbody></table></div>`}
    <details open=${items.length === 0}><summary>New schedule</summary><${Add} done=${refresh} /></details>`;
}
