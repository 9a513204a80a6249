// Fetches what the job left: URLs that failed, and parked URLs.

import { html } from "./vendor/preact-htm.js";
import { send } from "./api.js";
import { useLive } from "./live.js";
import { Act, Link, Trouble } from "./parts.js";
import { number, plain } from "./words.js";

export const urls = (n) => `${number(n)} URL${n === 1 ? "" : "s"}`;

const told = ({ queued, job }) => (queued === null
  ? job.state === "paused" ? "Saved. It is carried out when you resume the job." : "Saved. It is carried out as soon as the job runs."
  : queued === 0 ? "There was nothing to queue." : `${urls(queued)} queued again.`);

// Sends the request, and shows the result beside the table.
export const wish = (job, verb, body, say) => async () => { say(told(await send("POST", `v1/jobs/${job.id}/${verb}`, body))); };

export const Said = ({ text }) => html`<p class="said" role="status">${text}</p>`;

const why = (one) => (one.reason === "blocked" ? "the site blocks us"
  : `looks endless: ${number(one.news)} of ${number(one.fetched)} ${one.fetched === 1 ? "page was" : "pages were"} new`);

// The patterns under which URLs are parked, each with two example URLs and a button.
export function Parked({ job, say }) {
  const [parked, error, refresh] = useLive(`v1/jobs/${job.id}/parked`, job.state === "running" ? 2000 : 0);
  const fetched = (patterns) => async () => { await wish(job, "unpark", { patterns }, say)(); refresh(); };
  if (!parked?.items.length) return html`<${Trouble} error=${error} />`;
  return html`<section class="parked" aria-label="Parked"><div class="bar"><h2>Parked</h2>
      <span class="grow">${urls(parked.parked)} wait until you ask for them, in ${number(parked.patterns)} pattern${parked.patterns === 1 ? "" : "s"}.</span>
      <${Act} label="Fetch all" title="Fetch all that is parked" act=${fetched([])} /></div>
    <${Trouble} error=${error} />
    <ul>${parked.items.map((one) => html`<li key=${one.pattern}><div class="grow"><code>${plain(one.pattern)}</code>
      <small>${urls(one.parked)}; ${why(one)}</small>
      ${one.examples.map((url) => html`<a href=${`#/job/${job.id}/explain/${encodeURIComponent(url)}`}><${Link} url=${url} /></a>`)}</div>
      <${Act} label="Fetch them" title=${`Fetch what is parked under ${plain(one.pattern)}`} act=${fetched([one.pattern])} /></li>`)}</ul></section>`;
}
