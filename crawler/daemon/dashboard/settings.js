// All settings of a job: their values, where each comes from, and a form to change them.

import { html, useState } from "./vendor/preact-htm.js";
import { send } from "./api.js";
import { tell } from "./dialog.js";
import { useLive } from "./live.js";
import { Marked } from "./inputs.js";
import { help, label, unit } from "./labels.js";
import { Act, Trouble, named } from "./parts.js";
import { plain } from "./words.js";
import { read, written } from "./fields.js";

const ORIGINS = { default: "default", daemon: "the daemon", template: "the template", job: "this job" };

function Setting({ job, one, schema, refresh }) {
  const [text, setText] = useState(null);
  const [error, setError] = useState(null);
  const isRefused = schema?.refused.includes(one.key);
  const isLive = schema?.live.includes(one.key);
  const name = label(one.key);
  const save = async () => {
    try {
      const { applied } = await send("PATCH", `v1/jobs/${job.id}`, { settings: { [one.key]: read(text, one.value, unit(one.key)) } });
      setText(null);
      setError(null);
      tell(`${name} is saved. ${applied.includes(one.key) ? "It is in effect now." : "It takes effect at the next run: pause and resume the job."}`);
      refresh();
    } catch (problem) { setError(problem); }
  };
  return html`<tr class=${one.origin === "default" ? "" : "chosen"}><td><strong>${name}</strong> <code>${one.key}</code><small><${Marked} text=${help(one.meaning)} /></small></td>
    <td>${text === null ? written(one.value) === "" ? html`<span class="code-none">none</span>` : html`<code>${plain(written(one.value))}</code>` : html`<input value=${text} aria-label=${name} onInput=${(e) => setText(e.target.value)}
      onKeyDown=${(e) => { if (e.key === "Enter") save(); if (e.key === "Escape") setText(null); }} autofocus />`}${unit(one.key) && written(one.value) !== "" && html`<small>${unit(one.key)}</small>`}<${Trouble} error=${error} /></td>
    <td>${ORIGINS[one.origin] || one.origin}${!isLive && !isRefused && html`<small>takes effect at the next run</small>`}</td>
    <td>${isRefused ? html`<small>set by the daemon</small>` : text === null ? html`<button type="button" class="act" aria-label=${`Change ${name}`} onClick=${() => setText(written(one.value))}>Change</button>`
      : html`<span class="controls"><${Act} label="Save" kind="primary" act=${save} /> <button type="button" class="act" onClick=${() => { setText(null); setError(null); }}>Cancel</button></span>`}</td></tr>`;
}

export function Settings({ job, refresh }) {
  const [settings, error, again] = useLive(`v1/jobs/${job.id}/settings`);
  const [schema] = useLive("v1/settings");
  const [wanted, setWanted] = useState("");
  const rows = (settings?.items || []).filter((one) => `${one.key} ${label(one.key)} ${one.meaning}`.toLowerCase().includes(wanted.toLowerCase()));
  return html`<${Trouble} error=${error} />
    <form class="filter" onSubmit=${(e) => e.preventDefault()}><label class="grow">Find a setting<input type="search" value=${wanted} onInput=${(e) => setWanted(e.target.value)} placeholder="rest between requests" /></label></form>
    <div class="wide"><table class="settings" style=${named(["", "Value", "From", ""])}><thead><tr><th scope="col">Setting</th><th scope="col">Value</th><th scope="col">From</th><th scope="col"><span class="hidden">Actions</span></th></tr></thead>
    <tbody>${rows.map((one) => html`<${Setting} key=${one.key} job=${job} one=${one} schema=${schema} refresh=${() => { again(); refresh(); }} />`)}</tbody></table></div>`;
}
