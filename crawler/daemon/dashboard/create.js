// The form for a new job, built from the catalogue of the settings.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { call, send } from "./api.js";
import { engine } from "./engine.js";
import { read } from "./fields.js";
import { Field, Select, SettingField, Text, settingsOf } from "./inputs.js";
import { Keep, NOTHING, kept } from "./keep.js";
import { group, label, unit } from "./labels.js";
import { useLive } from "./live.js";
import { Trouble } from "./parts.js";
import { differences, seedsHint, useOrigin } from "./repeat.js";
import { many } from "./terms.js";

const FAR = ["scope.max_depth", "scope.limit", "scope.reach", "scope.include", "scope.exclude", "scope.sitemaps"];
const FAST = ["politeness.delay_s", "politeness.per_site", "politeness.robots"];
const ELSEWHERE = [...FAR, ...FAST, "sinks"];
const BLANK = { name: "", seeds: "", priority: "", template: "", ...NOTHING };

// The request for the job that the form describes.
function asking(job, settings, fields) {
  const chosen = fields.filter(({ key }) => (settings[key] ?? "") !== "").map(({ key, sample }) => [key, read(settings[key], sample, unit(key))]);
  const { seeds, priority, template } = job;
  return {
    name: job.name, seeds: seeds.split("\n").map((line) => line.trim()).filter(Boolean), settings: Object.fromEntries(chosen),
    ...kept(job), ...(priority === "" ? {} : { priority: Number(priority) }), ...(template ? { template } : {}),
  };
}

// A long list goes to the daemon as a file. The job begins when all of it is there.
async function start(asked, file) {
  if (!file) return send("POST", "v1/jobs", asked);
  const made = await send("POST", "v1/jobs", { ...asked, seeds: [], is_paused: true });
  if (asked.seeds.length) await send("POST", `v1/jobs/${made.id}/seeds`, { seeds: asked.seeds });
  await call("POST", `v1/jobs/${made.id}/seeds`, { lines: file });
  return send("POST", `v1/jobs/${made.id}/resume`);
}

// What is wrong and stands at no field of the form is said above it.
function above(trouble, isKnown) {
  if (!trouble) return null;
  const faults = trouble.faults || [];
  const known = faults.filter(({ field }) => isKnown(field));
  if (!known.length) return trouble;
  const rest = faults.filter((fault) => !known.includes(fault)).map(({ field, detail }) => ` ${field}: ${detail}`);
  return { message: `The crawl was not started. ${many(known.length, "field")} below ${known.length === 1 ? "is" : "are"} wrong.${rest.join("")}` };
}

// `from` in the address: the id of a job whose wishes the form begins with.
export function NewJob({ search }) {
  const from = new URLSearchParams(search).get("from");
  const [schema, error] = useLive("v1/settings");
  const [templates] = useLive("v1/templates");
  const [job, setJob] = useState(BLANK);
  const [file, setFile] = useState(null);
  const [settings, setSettings] = useState({});
  const [wanted, setWanted] = useState("");
  const [trouble, setTrouble] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const [origin, missing] = useOrigin(from, (found) => { setJob({ ...BLANK, ...found.asked }); setSettings(found.settings); });
  // Whoever pressed the button goes on at the first field that is wrong, also one in a part that was closed.
  useEffect(() => {
    const wrong = form.current?.querySelector('[aria-invalid="true"]');
    wrong?.closest("details")?.setAttribute("open", "");
    wrong?.focus();
  }, [trouble]);
  if (!schema || (from && !origin)) return html`<${Trouble} error=${error || missing} />`;
  const fields = settingsOf(schema).filter(({ key }) => !schema.refused.includes(key));
  const faultOf = (name) => trouble?.faults?.find(({ field }) => field === name || field === `settings.${name}` || field.startsWith(`${name}.`))?.detail;
  const isKnown = (field) => ["seeds", "name", "priority", "template", "formats", ...fields.map(({ key }) => key)].some((name) => field === name || field === `settings.${name}` || field.startsWith(`${name}.`));
  const put = (name) => (value) => setJob({ ...job, [name]: value });
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    try {
      const made = origin ? await send("POST", `v1/jobs/${origin.id}/run-again`, differences(origin, job, settings, fields)) : await start(asking(job, settings, fields), file);
      location.hash = `#/job/${made.id}`;
    } catch (problem) { setTrouble(problem); setBusy(false); }
  };
  const draw = (key) => {
    const one = fields.find((each) => each.key === key);
    return one && html`<${SettingField} key=${key} one=${one} value=${settings[key]} fault=${faultOf(key)} change=${(value) => setSettings({ ...settings, [key]: value })} />`;
  };
  const isSought = ({ key, about }) => `${key} ${label(key)} ${about}`.toLowerCase().includes(wanted.toLowerCase());
  const others = fields.filter((one) => !ELSEWHERE.includes(one.key) && isSought(one));
  const groups = [...new Set(others.map(({ key }) => group(key)))];
  return html`<h1>${origin ? "Clone of a job" : "New job"}</h1><form class="create" onSubmit=${submit} ref=${form} noValidate>
    <${Trouble} error=${above(trouble, isKnown)} />
    <fieldset><legend>What to crawl</legend><div class="fields">
      <${Field} id="job-seeds" name="Seeds" isWide=${true} about=${`The URLs where the crawl begins, one a line. ${seedsHint(origin)}`} fault=${faultOf("seeds")} input=${(attributes) => html`<textarea ...${attributes} rows="4" name="seeds"
        placeholder="https://example.org/" value=${job.seeds} onInput=${(e) => put("seeds")(e.target.value)} spellcheck=${false}></textarea>`} />
      ${!origin && !engine && html`<${Field} id="job-file" name="File of seeds" about="A list of URLs, instead of those above or beside them." input=${(attributes) => html`<input ...${attributes} type="file"
        accept=".txt,.csv,.lst,text/plain" onChange=${(e) => setFile(e.target.files[0] || null)} />`} />`}
      <${Text} id="job-name" name="Name" about=${engine ? "Letters, digits, - and _: its nodes name their folders so." : "A name for people."} fault=${faultOf("name")} value=${job.name} change=${put("name")} placeholder=${engine ? "job-1a2b3c4d" : "the first seed's site"} />
    </div></fieldset>
    <fieldset><legend>How far</legend><div class="fields">${FAR.map(draw)}</div></fieldset>
    <fieldset><legend>How fast</legend><div class="fields">${FAST.map(draw)}</div></fieldset>
    ${schema.formats && html`<${Keep} asked=${job} put=${put} schema=${schema} faultOf=${faultOf} />`}
    <details><summary>More settings</summary><div class="fields">
        ${!origin && !engine && html`<${Select} id="job-template" name="Template" about="Settings to start from." fault=${faultOf("template")} value=${job.template} change=${put("template")}
          choices=${[["", "none"], ...(templates?.items || []).map(({ name }) => [name, name])]} />`}
        ${!engine && html`<${Text} id="job-priority" name="Priority" type="number" min="-10" max="10" about="From -10 to 10. Two steps more double the job's share of a busy daemon." fault=${faultOf("priority")}
          value=${job.priority} change=${put("priority")} placeholder="0" />`}</div>
      <label class="seek">Find a setting<input type="search" placeholder="redirects" value=${wanted} onInput=${(e) => setWanted(e.target.value)} /></label>
      ${groups.map((name) => html`<fieldset key=${name}><legend>${name}</legend><div class="fields">${others.filter(({ key }) => group(key) === name).map(({ key }) => draw(key))}</div></fieldset>`)}
      ${!groups.length && html`<p>No setting has this word.</p>`}</details>
    <p class="controls"><button type="submit" class="act primary" aria-busy=${busy} disabled=${busy}>Start the crawl</button><a role="button" class="act" href="#/jobs">Cancel</a></p></form>`;
}
