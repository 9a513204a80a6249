// Runs a job again as a new one, at once or changed in the form.

import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { call, get, send } from "./api.js";
import { read, written } from "./fields.js";
import { unit } from "./labels.js";
import { Act } from "./parts.js";
import { many } from "./terms.js";

const MOST_BYTES = 1 << 16; // of seeds that the form shows

export function Repeat({ job }) {
  const again = async () => { location.hash = `#/job/${(await send("POST", `v1/jobs/${job.id}/run-again`, {})).id}`; };
  const isLive = ["queued", "running"].includes(job.state);
  return html`<span class="controls">${!isLive && html`<${Act} label="Run again" title="Start a new job with the same seeds and settings" act=${again} />`}
    <a role="button" class="act" href=${`#/new?from=${job.id}`} title="Fill in the form for a new job with what this one has">Clone</a></span>`;
}

// Returns the settings of a job by full name, as the form writes them.
function flat(settings, prefix = "") {
  return Object.assign({}, ...Object.entries(settings).map(([name, value]) =>
    (["sites", "sinks"].includes(name) || value === null || Array.isArray(value) || typeof value !== "object" || prefix ? { [prefix + name]: written(value) } : flat(value, `${name}.`))));
}

// Returns the seeds as text; null if they are too many for a form, or several lists.
async function readSeeds(id) {
  const { items } = await get(`v1/jobs/${id}/files`);
  const lists = items.filter(({ path }) => path.startsWith("seeds/"));
  if (lists.length !== 1 || lists[0].bytes > MOST_BYTES) return null;
  return (await (await call("GET", `v1/jobs/${id}/files/${lists[0].path}`)).text()).trim();
}

async function find(id) {
  const [job, { defaults }] = [await get(`v1/jobs/${id}`), await get("v1/settings")];
  const [sink = {}] = job.settings.sinks || [];
  const seeds = await readSeeds(id);
  const asked = { name: job.name, seeds: seeds ?? "", priority: String(job.priority || ""), template: "", links: sink.links ?? null, text: sink.text ?? null, format: "" };
  // A setting that was chosen as the default is has no choice of its own in the form, and needs none.
  const settings = Object.fromEntries(Object.entries(flat(job.settings)).filter(([key, text]) => text !== written(defaults[key])));
  return { id, asked, settings, given: job.seeds.given, isShown: seeds !== null };
}

// Returns [the job that the form begins with, error]; null as long as it is not there, and nothing is asked without an id.
export function useOrigin(id, fill) {
  const [origin, setOrigin] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (!id) return;
    find(id).then((found) => { fill(found); setOrigin(found); }, setError);
  }, [id]);
  return [origin, error];
}

export const seedsHint = (origin) => (origin && !origin.isShown ? `Leave it empty for the ${many(origin.given, "seed")} of that job.` : "");

// Returns the request for a job like the origin: what differs alone, so that what the form cannot show stays as it is.
export function differences(origin, asked, settings, fields) {
  const isNew = (key) => (settings[key] ?? "") !== (origin.settings[key] ?? "");
  const changed = fields.filter(({ key }) => isNew(key));
  const put = changed.filter(({ key }) => (settings[key] ?? "") !== "").map(({ key, sample }) => [key, read(settings[key], sample, unit(key))]);
  const without = changed.filter(({ key }) => (settings[key] ?? "") === "").map(({ key }) => key);
  const seeds = asked.seeds.split("\n").map((line) => line.trim()).filter(Boolean);
  const isOther = (name) => asked[name] !== origin.asked[name] && asked[name] !== null;
  return {
    name: asked.name, settings: Object.fromEntries(put), without,
    ...(asked.seeds.trim() !== origin.asked.seeds && seeds.length ? { seeds } : {}), ...(isOther("priority") ? { priority: Number(asked.priority || 0) } : {}),
    ...(isOther("links") ? { links: asked.links } : {}), ...(isOther("text") ? { text: asked.text } : {}), ...(isOther("format") && asked.format ? { formats: [asked.format] } : {}),
  };
}
