// Schedules of repeated jobs: list, add, switch off and on, remove.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { send } from "./api.js";
import { engine } from "./engine.js";
import { useEvents, useLive } from "./live.js";
import { tell } from "./dialog.js";
import { Field, Select, Text } from "./inputs.js";
import { Keep, NOTHING, kept } from "./keep.js";
import { Act, Empty, Table, Trouble } from "./parts.js";
import { moment, plain } from "./words.js";

const OVERLAPS = { skip: "skip this run", queue: "start when it ends", "cancel-old": "cancel it and start" };
const CATCH_UPS = { once: "start one job as soon as it runs again", never: "wait for the next time" };
const PLACE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const BLANK = { cron: "0 6 * * *", zone: PLACE, seeds: "", name: "", template: "", overlap: "skip", catch_up: "once", ...NOTHING };

function Row({ one, refresh }) {
  const path = `v1/schedules/${one.id}`;
  const turn = async () => { await send("PATCH", path, { is_enabled: !one.is_enabled }); refresh(); };
  const remove = async () => { await send("DELETE", path); refresh(); };
  return html`<tr class=${one.is_enabled ? "" : "held"}>
    <td>${plain(one.name || one.seeds[0])}<small>${one.seeds.length === 1 ? plain(one.seeds[0]) : `${one.seeds.length} seeds`}</small></td>
    <td><code>${plain(one.cron)}</code><small>${plain(one.zone)}</small></td>
    <td>${one.is_enabled ? moment(one.next_at) : "off"}${one.is_waiting && html`<small>one is waiting</small>`}</td>
    <td>${one.last_job ? html`<a href=${`#/job/${one.last_job}`}>${moment(one.last_at)}</a>` : "–"}${one.said && html`<small>${plain(one.said)}</small>`}</td>
    <td class="wider">${OVERLAPS[one.overlap] || one.overlap}</td>
    <td><span class="controls"><${Act} label=${one.is_enabled ? "Switch off" : "Switch on"} act=${turn} />
      <${Act} label="Delete" kind="quiet danger" ask=${{ question: "Delete this schedule?", more: ["Its jobs are kept."] }} act=${remove} /></span></td></tr>`;
}

function Add({ done }) {
  const [asked, setAsked] = useState(BLANK);
  const [trouble, setTrouble] = useState(null);
  const [busy, setBusy] = useState(false);
  const [templates] = useLive("v1/templates");
  const [schema] = useLive("v1/settings");
  const form = useRef(null);
  useEffect(() => form.current?.querySelector('[aria-invalid="true"]')?.focus(), [trouble]);
  const put = (name) => (value) => setAsked({ ...asked, [name]: value });
  const faultOf = (name) => trouble?.faults?.find((fault) => fault.field === name || fault.field.startsWith(`${name}.`))?.detail;
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const { template, links, text, format, ...rest } = asked;
      const seeds = asked.seeds.split("\n").map((line) => line.trim()).filter(Boolean);
      await send("POST", "v1/schedules", { ...rest, ...kept({ links, text, format }), seeds, ...(template ? { template } : {}) });
      setAsked(BLANK);
      setTrouble(null);
      tell("The schedule is saved.");
      done();
    } catch (problem) { setTrouble(problem); }
    setBusy(false);
  };
  const given = (name, label, about) => ({ id: `schedule-${name}`, name: label, about, fault: faultOf(name), value: asked[name], change: put(name) });
  return html`<form class="create" onSubmit=${submit} ref=${form} noValidate>
    <${Trouble} error=${trouble} />
    <div class="fields">
      <${Field} ...${given("seeds", "Seeds", "The URLs where each crawl begins, one a line.")} isWide=${true} input=${(attributes) => html`<textarea ...${attributes} rows="3" name="seeds"
        placeholder="https://example.org/" value=${asked.seeds} onInput=${(e) => put("seeds")(e.target.value)} spellcheck=${false}></textarea>`} />
      <${Text} ...${given("cron", "When", "Minute, hour, day of month, month, day of week, as cron has them: `0 6 * * MON-FRI` is at six on working days.")} placeholder="0 6 * * MON-FRI" />
      <${Text} ...${given("zone", "Time zone", "The place whose clock counts.")} placeholder="UTC" />
      <${Text} ...${given("name", "Name", "The name of the jobs.")} placeholder="the first seed's site" />
      ${!engine && html`<${Select} ...${given("template", "Template", "Settings to start from.")} choices=${[["", "none"], ...(templates?.items || []).map(({ name }) => [name, plain(name)])]} />`}
      <${Select} ...${given("overlap", "Overlap", "What happens if the job before has not ended.")} choices=${Object.entries(OVERLAPS)} />
      <${Select} ...${given("catch_up", "Missed times", "What happens if the daemon was not running at a time.")} choices=${Object.entries(CATCH_UPS)} />
    </div>
    ${schema?.formats && html`<${Keep} asked=${asked} put=${put} schema=${schema} faultOf=${faultOf} />`}
    <p class="controls"><button type="submit" class="act primary" aria-busy=${busy} disabled=${busy}>Save the schedule</button></p></form>`;
}

export function Schedules() {
  const [page, error, refresh] = useLive("v1/schedules", 5000);
  useEvents((event) => { if (event.kind === "state") refresh(); });
  const items = page?.items || [];
  const [isOpen, setIsOpen] = useState(null); // null: nobody has opened or closed the form
  const isAsked = isOpen ?? Boolean(page && !items.length);
  return html`<div class="bar"><h1>Schedules</h1></div>
    <${Trouble} error=${error} />
    ${page && !items.length && html`<${Empty}>No schedules yet. A schedule starts a job again and again: every morning, say, or on the first of each month.<//>`}
    ${items.length > 0 && html`<${Table} head=${[["Job"], ["When"], ["Next"], ["Last"], ["If one still runs", "wider"], [html`<span class="hidden">Actions</span>`]]}
      rows=${items.map((one) => html`<${Row} key=${one.id} one=${one} refresh=${refresh} />`)} />`}
    <details open=${isAsked} onToggle=${(e) => { if (e.target.open !== isAsked) setIsOpen(e.target.open); }}><summary>New schedule</summary><${Add} done=${refresh} /></details>`;
}
