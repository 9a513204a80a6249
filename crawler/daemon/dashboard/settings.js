// All settings of a job: their values, where each comes from, and a form to change them.

import { html, useState } from "./vendor/preact-htm.js";
import { send } from "./api.js";
import { useLive } from "./live.js";
import { Act, Trouble } from "./parts.js";
import { plain } from "./words.js";
import { read, written } from "./fields.js";

function Setting({ job, one, schema, refresh }) {
  const [text, setText] = useState(null);
  const [error, setError] = useState(null);
  const isRefused = schema?.refused.includes(one.key);
  const isLive = schema?.live.includes(one.key);
  const save = async () => {
    try {
      await send("PATCH", `v1/jobs/${job.id}`, { settings: { [one.key]: read(text, one.value) } });
      setText(null);
      setError(null);
      refresh();
    } catch (problem) { setError(problem); }
  };
  return html`<tr class=${one.origin === "default" ? "" : "chosen"}><td><code>${one.key}</code><small>${one.meaning}</small></td>
    <td>${text === null ? written(one.value) === "" ? html`<span class="code-none">none</span>` : html`<code>${plain(written(one.value))}</code>` : html`<input value=${text} aria-label=${one.key} onInput=${(e) => setText(e.target.value)}
      onKeyDown=${(e) => { if (e.key === "Enter") save(); if (e.key === "Escape") setText(null); }} autofocus />`}<${Trouble} error=${error} /></td>
    <td>${one.origin}${!isLive && !isRefused && html`<small>takes effect at the next run</small>`}</td>
    <td>${isRefused ? html`<small>set by the daemon</small>` : text === null ? html`<button type="button" class="act" onClick=${() => setText(written(one.value))}>Change</button>`
      : html`<${Act} label="Save" kind="primary" act=${save} /> <button type="button" class="act" onClick=${() => setText(null)}>Cancel</button>`}</td></tr>`;
}

export function Settings({ job, refresh }) {
  const [settings, error, again] = useLive(`v1/jobs/${job.id}/settings`);
  const [schema] = useLive("v1/settings");
  const [wanted, setWanted] = useState("");
  const rows = (settings?.items || []).filter((one) => `${one.key} ${one.meaning}`.toLowerCase().includes(wanted.toLowerCase()));
  return html`<${Trouble} error=${error} />
    <form class="filter" onSubmit=${(e) => e.preventDefault()}><label class="grow">find<input type="search" value=${wanted} onInput=${(e) => setWanted(e.target.value)} placeholder="delay" /></label></form>
    <div class="wide"><table class="settings"><thead><tr><th scope="col">setting</th><th scope="col">value</th><th scope="col">from</th><th scope="col"><span class="hidden">actions</span></th></tr></thead>
    <tbody>${rows.map((one) => html`<${Setting} key=${one.key} job=${job} one=${one} schema=${schema} refresh=${() => { again(); refresh(); }} />`)}</tbody></table></div>`;
}
