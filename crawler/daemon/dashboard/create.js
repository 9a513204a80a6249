// The form for a new job, built from the schema of the settings.

import { html, useState } from "./vendor/preact-htm.js";
import { call, send } from "./api.js";
import { read, written } from "./fields.js";
import { useLive } from "./live.js";
import { Trouble } from "./parts.js";

const FIRST = ["scope.max_depth", "scope.limit", "scope.reach", "politeness.delay_s", "scope.include", "scope.exclude"];

// Returns every setting of the schema as { key, about, choices, kind, sample }, with those inside tables by full name.
function fieldsOf(schema) {
  const tables = schema.json_schema.$defs || {};
  const found = [];
  for (const [name, said] of Object.entries(schema.json_schema.properties)) {
    const table = tables[(said.$ref || said.allOf?.[0]?.$ref || "").split("/").pop()];
    if (table?.properties) for (const [leaf, inner] of Object.entries(table.properties)) found.push(field(`${name}.${leaf}`, inner, schema));
    else if (name !== "sinks") found.push(field(name, said, schema));
  }
  return found.filter((one) => !schema.refused.includes(one.key));
}

function field(key, said, schema) {
  const options = [said, ...(said.anyOf || [])];
  const types = options.map((one) => one.type).filter(Boolean);
  return { key, about: said.description || "", choices: options.find((one) => one.enum)?.enum, kind: types.includes("boolean") ? "boolean" : "text", sample: schema.defaults[key] };
}

function Field({ one, value, change, fault }) {
  const id = `set-${one.key}`;
  const common = { id, name: one.key, "aria-describedby": `${id}-about`, "aria-invalid": fault ? "true" : undefined };
  const input = one.choices
    ? html`<select ...${common} value=${value ?? ""} onChange=${(e) => change(e.target.value)}><option value="">${written(one.sample)} (default)</option>
        ${one.choices.filter((choice) => choice !== one.sample).map((choice) => html`<option value=${choice}>${choice}</option>`)}</select>`
    : one.kind === "boolean"
      ? html`<select ...${common} value=${value ?? ""} onChange=${(e) => change(e.target.value)}><option value="">${String(one.sample)} (default)</option><option value=${String(!one.sample)}>${String(!one.sample)}</option></select>`
      : html`<input ...${common} type="text" value=${value ?? ""} placeholder=${written(one.sample) || "none"} onInput=${(e) => change(e.target.value)} autocomplete="off" spellcheck=${false} />`;
  return html`<div class="field"><label for=${id}>${one.key}</label>${input}<small id=${`${id}-about`} class=${fault ? "failed" : ""}>${fault || one.about}</small></div>`;
}

export function NewJob() {
  const [schema, error] = useLive("v1/settings");
  const [templates] = useLive("v1/templates");
  const [job, setJob] = useState({ name: "", seeds: "", priority: "", template: "" });
  const [file, setFile] = useState(null);
  const [settings, setSettings] = useState({});
  const [wanted, setWanted] = useState("");
  const [trouble, setTrouble] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!schema) return html`<${Trouble} error=${error} />`;
  const fields = fieldsOf(schema);
  const faultOf = (name) => trouble?.faults?.find((fault) => fault.field === name || fault.field === `settings.${name}`)?.detail;
  const put = (name) => (event) => setJob({ ...job, [name]: event.target.value });
  const chosen = () => Object.fromEntries(fields.filter(({ key }) => (settings[key] ?? "") !== "").map(({ key, sample }) => [key, read(settings[key], sample)]));
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const seeds = job.seeds.split("\n").map((line) => line.trim()).filter(Boolean);
      const asked = { name: job.name, seeds, settings: chosen(), ...(job.priority === "" ? {} : { priority: Number(job.priority) }), ...(job.template ? { template: job.template } : {}) };
      let made;
      if (file) {
        made = await send("POST", "v1/jobs", { ...asked, seeds: [], is_paused: true });
        if (seeds.length) await send("POST", `v1/jobs/${made.id}/seeds`, { seeds });
        await call("POST", `v1/jobs/${made.id}/seeds`, { lines: file });
        await send("POST", `v1/jobs/${made.id}/resume`);
      } else made = await send("POST", "v1/jobs", asked);
      location.hash = `#/job/${made.id}`;
    } catch (problem) { setTrouble(problem); setBusy(false); }
  };
  const one = (key) => fields.find((item) => item.key === key);
  const draw = (item) => item && html`<${Field} key=${item.key} one=${item} value=${settings[item.key]} fault=${faultOf(item.key)}
    change=${(value) => setSettings({ ...settings, [item.key]: value })} />`;
  const others = fields.filter((item) => !FIRST.includes(item.key) && `${item.key} ${item.about}`.toLowerCase().includes(wanted.toLowerCase()));
  const tables = [...new Set(others.map(({ key }) => (key.includes(".") ? key.split(".")[0] : "")))];
  return html`<h1>New job</h1><form class="create" onSubmit=${submit}>
    <${Trouble} error=${trouble} />
    <label>Seeds, one a line<textarea rows="5" name="seeds" placeholder="https://example.org/" value=${job.seeds} onInput=${put("seeds")} spellcheck=${false}
      aria-invalid=${trouble?.faults?.some((fault) => fault.field.startsWith("seeds")) ? "true" : undefined}></textarea></label>
    <div class="fields">
      <div class="field"><label for="job-file">or a list of them</label><input id="job-file" type="file" accept=".txt,.csv,.lst,text/plain" onChange=${(e) => setFile(e.target.files[0] || null)} /></div>
      <div class="field"><label for="job-name">name</label><input id="job-name" type="text" value=${job.name} placeholder="the first seed's site" onInput=${put("name")} /></div>
      <div class="field"><label for="job-priority">priority</label><input id="job-priority" type="number" min="-10" max="10" placeholder="0" value=${job.priority} onInput=${put("priority")} /></div>
      <div class="field"><label for="job-template">template</label><select id="job-template" value=${job.template} onChange=${put("template")}><option value="">none</option>
        ${(templates?.items || []).map(({ name }) => html`<option value=${name}>${name}</option>`)}</select></div>
      ${FIRST.map((key) => draw(one(key)))}
    </div>
    <details><summary>All settings</summary>
      <input type="search" aria-label="Find a setting" placeholder="find a setting" value=${wanted} onInput=${(e) => setWanted(e.target.value)} />
      ${tables.map((table) => html`<fieldset><legend>${table || "general"}</legend><div class="fields">
        ${others.filter(({ key }) => (key.includes(".") ? key.split(".")[0] : "") === table).map(draw)}</div></fieldset>`)}</details>
    <p><button type="submit" class="act primary" aria-busy=${busy} disabled=${busy}>Start the crawl</button></p></form>`;
}
