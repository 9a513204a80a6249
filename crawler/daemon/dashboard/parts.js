// Small pieces that several views share.

import { html, useState } from "./vendor/preact-htm.js";
import { confirmed, tell } from "./dialog.js";
import * as terms from "./terms.js";
import { plain } from "./words.js";

export const Badge = ({ state }) => html`<span class="badge ${state}">${terms.state(state)}</span>`;

export const Trouble = ({ error }) =>
  error && html`<div class="trouble" role="alert">
    <strong>${plain(error.message)}</strong>
    ${error.faults?.length > 1 && html`<ul>${error.faults.map((fault) => html`<li><code>${plain(fault.field)}</code> ${plain(fault.detail)}</li>`)}</ul>`}
  </div>`;

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

// A button that is busy while its action runs; it keeps the focus meanwhile. `ask` is a question to be answered first: its text, { question, more, yes }, or a
// function that finds these.
// An error is told at the foot of the page, and so is the text that the action returns.
export function Act({ act, label, title, kind = "", ask }) {
  const [busy, setBusy] = useState(false);
  const press = async (event) => {
    event.stopPropagation();
    if (busy) return;
    try {
      const asked = typeof ask === "function" ? await ask() : ask;
      const { question, ...more } = typeof asked === "string" ? { question: asked } : asked || {};
      if (question && !(await confirmed(question, { yes: label, isHarmful: kind.includes("danger"), ...more }))) return;
      setBusy(true);
      const said = await act();
      if (typeof said === "string") tell(said);
    } catch (problem) { tell(problem.message, true); } finally { setBusy(false); }
  };
  return html`<button type="button" class="act ${kind}" title=${title} aria-disabled=${busy ? "true" : undefined} aria-busy=${busy} onClick=${press}>${label}</button>`;
}

export const Link = ({ url }) => html`<span class="url" title=${plain(url)}>${plain(url)}</span>`;

export const Fact = ({ name, children, title }) =>
  html`<div class="fact" title=${title}><dt>${name}</dt><dd>${children}</dd></div>`;

// The names of the columns, for the style sheet: on a narrow screen each row is a card, and each value stands under its name.
export const named = (names) => Object.fromEntries(names.map((name, n) => [`--column-${n + 1}`, JSON.stringify(typeof name === "string" ? terms.capital(name) : "")]));

export function Table({ head, rows, empty }) {
  if (!rows.length) return html`<${Empty}>${empty}<//>`;
  return html`<div class="wide"><table style=${named(head.map(([name]) => name))}>
    <thead><tr>${head.map(([name, kind]) => html`<th scope="col" class=${kind}>${typeof name === "string" ? terms.capital(name) : name}</th>`)}</tr></thead>
    <tbody>${rows}</tbody></table></div>`;
}
