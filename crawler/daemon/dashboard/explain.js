// Shows why a URL is fetched or not, and what happened to it in this job.

import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { get, query } from "./api.js";
import { Act, Trouble } from "./parts.js";
import { Said, wish } from "./wishes.js";
import { duration, plain } from "./words.js";

const asked = () => decodeURIComponent(location.hash.split("/explain/")[1] || "");

function Story({ job, crawl }) {
  const [said, say] = useState("");
  const unpark = wish(job, "unpark", { patterns: [crawl.parked_under] }, say);
  if (!crawl.standing) return html`never queued in this job: no page links to it, or the scope leaves it out`;
  const why = [crawl.reason, crawl.detail].filter(Boolean).join(": ");
  const waits = crawl.parked_under && html`<strong>parked</strong> under <code>${plain(crawl.parked_under)}</code>: ${crawl.parked_for === "blocked" ? "the site blocks us" : "it looks endless"}. <${Act} label="Fetch it" title="Also fetches all other URLs that are parked under this pattern" act=${unpark} /><${Said} text=${said} />`;
  return html`${waits || html`<strong>${plain(crawl.disposition || crawl.standing)}</strong>${crawl.status ? ` (HTTP ${crawl.status})` : ""}${why && `, ${plain(why)}`}${crawl.is_reread ? ", and queued again to read links that were left out" : ""},`}
    depth ${crawl.depth}, ${crawl.attempts} ${crawl.attempts === 1 ? "attempt" : "attempts"}${crawl.visited_at ? `, last at ${crawl.visited_at}` : ""}${crawl.due_at ? `, due again at ${crawl.due_at}` : ""}
    ${crawl.duplicate_of && html`<br />same content as ${plain(crawl.duplicate_of)}`}
    ${crawl.via?.length ? html`<ol class="via">${crawl.via.map((via) => html`<li>found on ${plain(via)}</li>`)}</ol>` : html`<br />it is a seed`}`;
}

export function Explain({ job }) {
  const [url, setUrl] = useState(asked());
  const [said, setSaid] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const ask = async (event) => {
    event?.preventDefault();
    if (!url) return;
    setBusy(true);
    try { setSaid(await get(`v1/jobs/${job.id}/explain${query({ url })}`)); setError(null); } catch (problem) { setError(problem); setSaid(null); }
    setBusy(false);
  };
  useEffect(() => { ask(); }, []);
  return html`<form class="filter" onSubmit=${ask}><label class="grow">URL<input type="text" inputmode="url" value=${url} placeholder="https://example.org/page"
      onInput=${(e) => setUrl(e.target.value.trim())} /></label><button type="submit" class="act primary" aria-busy=${busy}>Why?</button></form>
    <${Trouble} error=${error} />
    ${said && html`<dl class="why">
      <dt>verdict</dt><dd><strong>${said.verdict}</strong>${said.reason && `: ${said.reason}`}</dd>
      <dt>URL</dt><dd>${plain(said.url)}${said.changes.map((change) => html`<br /><small>${plain(change)}</small>`)}</dd>
      <dt>scope</dt><dd>${said.scope.reason ? "outside" : "inside"}, by ${plain(said.scope.rule)}${said.scope.pattern && html` <code>${plain(said.scope.pattern)}</code>`}, from ${plain(said.scope.root)}</dd>
      <dt>robots</dt><dd>${said.robots.verdict}${said.robots.line ? html`, line ${said.robots.line}: <code>${plain(said.robots.rule)}</code>` : ""}${said.robots.detail && `, ${plain(said.robots.detail)}`}</dd>
      <dt>site</dt><dd>${plain(said.site.site)}: ${duration(said.site.delay_s)} after each request, ${said.site.per_site} at a time${said.site.queued !== null ? `, ${said.site.queued} queued` : ""}</dd>
      ${said.crawl && html`<dt>this job</dt><dd><${Story} job=${job} crawl=${said.crawl} /></dd>`}</dl>`}`;
}
