// What limits a job's speed, what would help, and buttons that set it.

import { html } from "./vendor/preact-htm.js";
import { get, send } from "./api.js";
import { Marked } from "./inputs.js";
import { label } from "./labels.js";
import { Act } from "./parts.js";
import * as terms from "./terms.js";
import { bytes, duration, number, percent } from "./words.js";

const OWN = "Do this only at sites that are yours, or whose owners agreed.";
const a = (n) => (n >= 10 ? number(n) : Number(n.toPrecision(2)));

// What a setting means for a site that gets more requests by it. Settings without an entry burden no site. `perSite`: requests at a time.
const MEANINGS = {
  "politeness.delay_s": (from, to, perSite) => [
    `Each site then rests ${duration(to)} after an answer, instead of ${duration(from)}.`,
    `It gets up to ${a(perSite / to)} requests a second instead of ${a(perSite / from)}.`, OWN],
  "politeness.per_site": (from, to) => [`Each site then gets up to ${number(to)} requests at a time instead of ${number(from)}.`, "That is more work for the site, and a small one may become slow.", OWN],
  "politeness.per_ip": (from, to) => [`Each address then gets up to ${number(to)} requests at a time instead of ${number(from)}, over all sites behind it.`, OWN],
};

const WRITTEN = { "politeness.delay_s": duration, "fetch.bytes_per_s": (n) => `${bytes(n)} a second` };
const write = (key, value) => (WRITTEN[key] ? WRITTEN[key](value) : number(value));

function Remedy({ job, name, to, refresh }) {
  // The value in force is asked for when it is needed: a job that chose nothing has the daemon's.
  const ask = async () => {
    const { items } = await get(`v1/jobs/${job.id}/settings`);
    const value = (wanted) => items.find(({ key }) => key === wanted)?.value;
    return { question: `Set ${name} to ${write(name, to)}?`, more: MEANINGS[name](value(name), to, value("politeness.per_site")), yes: "Set it" };
  };
  const set = async () => {
    const { applied } = await send("PATCH", `v1/jobs/${job.id}`, { settings: { [name]: to } });
    refresh();
    return `${name} is now ${write(name, to)}. ${applied.includes(name) ? "The job goes on with it." : "It takes effect at the next run: pause and resume the job."}`;
  };
  return html`<${Act} label=${`Set ${name} to ${write(name, to)}`} title=${label(name)} ask=${MEANINGS[name] ? ask : undefined} act=${set} /> `;
}

const Go = ({ job, to, words }) => html`<a role="button" class="act" href=${`#/job/${job.id}/${to}`}>${words}</a>`;

// The advice in words, with names of settings, and a button for each setting of the job that would help.
function Advice({ job, refresh }) {
  const text = job.advice.replace(/\b[a-z]+\.[a-z_]+\b/g, "`$&`");
  return html`<p class="advice"><${Marked} text=${terms.capital(text)} />. ${" "}
    ${Object.entries(job.remedies).map(([name, to]) => html`<${Remedy} key=${name} job=${job} name=${name} to=${to} refresh=${refresh} />`)}
    ${job.bound_by === "held" && html`<${Go} job=${job} to="sites" words="Show the sites" />`}</p>`;
}

export function BoundBar({ job, refresh }) {
  const shares = Object.entries(job.stages || {}).filter(([, share]) => share > 0.004).map(([name, share]) => [name, share, ...terms.stage(name)]);
  return html`<section class="bound" aria-label="Where the time of visits goes">
    <h2>${job.state === "running" ? html`Limited by <em>${terms.limit(job.bound_by)}</em>` : "It is not running"}</h2>
    ${shares.length > 0 && html`<div class="stages" role="img" aria-label=${shares.map(([, share, words]) => `${words} ${percent(share)}`).join(", ")}>
      ${shares.map(([name, share, words, meaning]) => html`<span class=${`stage ${name}`} style=${{ flexGrow: share * 100 }} title=${`${words}: ${percent(share)}, ${meaning}`}>
        ${share > 0.12 ? `${words} ${percent(share)}` : ""}</span>`)}</div>
    <ul class="key">${shares.map(([name, share, words, meaning]) => html`<li title=${meaning}><span class=${`dot ${name}`}></span>${words} ${percent(share)}</li>`)}</ul>`}
    ${job.state === "running" && job.advice && html`<${Advice} job=${job} refresh=${refresh} />`}</section>`;
}
