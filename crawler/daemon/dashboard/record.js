// One record: a row of the list of pages, which opens to the whole of it.

import { html, useState } from "./vendor/preact-htm.js";
import { tell } from "./dialog.js";
import { Link } from "./parts.js";
import { bytes, clock, duration, plain } from "./words.js";

const LONG = 400; // characters of one value that are shown before somebody asks for more

async function copy(text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else {  // a page that came over plain HTTP from another machine has no clipboard
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "hidden" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

const isUrl = (text) => /^https?:\/\//.test(text);

function Text({ text }) {
  const [isAll, setIsAll] = useState(text.length <= LONG);
  const shown = text.split("\n").map(plain).join("\n");
  return html`<span class="value">${isAll ? shown : `${shown.slice(0, LONG)} …`}</span>
    ${!isAll && html`${" "}<button type="button" class="act quiet" onClick=${() => setIsAll(true)}>All ${text.length} characters</button>`}`;
}

function Value({ job, name, value }) {
  if (value === null || value === undefined) return html`<span class="code-none">–</span>`;
  if (typeof value === "string" && isUrl(value)) return html`<a class="value" href=${`#/job/${job.id}/explain/${encodeURIComponent(value)}`}>${plain(value)}</a>`;
  if (typeof value === "string") return html`<${Text} text=${value} />`;
  if (name === "timings") return Object.entries(value).map(([stage, ms]) => `${stage} ${duration(ms / 1000)}`).join(" · ");
  if (name === "elapsed_ms") return duration(value / 1000);
  if (typeof value === "object") return html`<${Text} text=${JSON.stringify(value, null, 1)} />`;
  return String(value);
}

export function Record({ job, one }) {
  const text = JSON.stringify(one, null, 2);
  const act = async () => { try { await copy(text); tell("Copied."); } catch { tell("The browser does not let this page copy.", true); } };
  return html`<dl class="record">${Object.entries(one).map(([name, value]) => html`<dt>${plain(name)}</dt><dd><${Value} job=${job} name=${name} value=${value} /></dd>`)}</dl>
    <p class="controls"><button type="button" class="act" onClick=${act}>Copy as JSON</button>
      <a role="button" class="act" href=${`#/job/${job.id}/explain/${encodeURIComponent(one.url)}`}>Why was it visited?</a></p>`;
}

export const HEAD = [[html`<span class="hidden">record</span>`], ["when"], ["status", "n"], ["result"], ["URL and title"], ["bytes", "n wider"], ["took", "n wider"]];

export function PageRow({ job, one }) {
  const [isOpen, setIsOpen] = useState(false);
  const turn = () => setIsOpen(!isOpen);
  return html`<tr class="link" onClick=${(event) => { if (!event.target.closest("a, button") && !getSelection().toString()) turn(); }}>
      <td><button type="button" class="act quiet" aria-expanded=${String(isOpen)} aria-label=${`Record of ${plain(one.url)}`} onClick=${turn}>${isOpen ? "▾" : "▸"}</button></td>
      <td>${clock(Date.parse(one.fetched_at) / 1000)}</td><td class="n ${one.status >= 400 ? "failed" : ""}">${one.status ?? "–"}</td>
      <td>${one.disposition}${one.reason && html`<small>${one.reason}${one.detail ? `: ${plain(one.detail)}` : ""}</small>`}</td>
      <td><${Link} url=${one.url} />${one.title && html`<small class="title">${plain(one.title)}</small>`}</td>
      <td class="n wider">${one.length === null ? "–" : bytes(one.length)}</td><td class="n wider">${one.elapsed_ms === null ? "–" : duration(one.elapsed_ms / 1000)}</td></tr>
    ${isOpen && html`<tr><td colspan="7" class="group"><${Record} job=${job} one=${one} /></td></tr>`}`;
}
