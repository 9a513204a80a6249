// Small pieces that several views share.

import { html, useState } from "./vendor/preact-htm.js";
import { plain } from "./words.js";

export const Badge = ({ state }) => html`<span class="badge ${state}">${state}</span>`;

export const Trouble = ({ error }) =>
  error && html`<div class="trouble" role="alert">
    <strong>${plain(error.message)}</strong>
    ${error.faults?.length > 1 && html`<ul>${error.faults.map((fault) => html`<li><code>${plain(fault.field)}</code> ${plain(fault.detail)}</li>`)}</ul>`}
  </div>`;

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

// A button that is busy while its action runs, and shows an error beside itself.
export function Act({ act, label, title, kind = "", ask }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const press = async (event) => {
    event.stopPropagation();
    if (ask && !confirm(ask)) return;
    setBusy(true);
    setError(null);
    try { await act(); } catch (problem) { setError(problem); } finally { setBusy(false); }
  };
  return html`<button type="button" class="act ${kind}" title=${error ? plain(error.message) : title} disabled=${busy}
    aria-busy=${busy} onClick=${press}>${label}${error && html`<span class="failed" role="alert"> !</span>`}</button>`;
}

export const Link = ({ url }) => html`<span class="url" title=${plain(url)}>${plain(url)}</span>`;

export const Fact = ({ name, children, title }) =>
  html`<div class="fact" title=${title}><dt>${name}</dt><dd>${children}</dd></div>`;

export function Table({ head, rows, empty }) {
  if (!rows.length) return html`<${Empty}>${empty}<//>`;
  return html`<div class="wide"><table>
    <thead><tr>${head.map(([name, kind]) => html`<th scope="col" class=${kind}>${name}</th>`)}</tr></thead>
    <tbody>${rows}</tbody></table></div>`;
}
