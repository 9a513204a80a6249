// Pauses, resumes, stops or deletes many jobs at once, after one question that counts them.

import { html, useState } from "./vendor/preact-htm.js";
import { getMany, send } from "./api.js";
import { confirmed, tell } from "./dialog.js";
import { engine } from "./engine.js";
import { many } from "./terms.js";

const LIVE = ["queued", "running", "paused"];
const VERBS = {
  pause: { label: "Pause", done: "paused", suits: ({ state }) => ["queued", "running"].includes(state), method: "POST", end: "/pause", more: "They keep what they fetched and can be resumed." },
  resume: { label: "Resume", done: "resumed", suits: ({ state }) => !["queued", "running"].includes(state), method: "POST", end: "/resume", more: "Each continues where it stopped. One that has finished looks whether there is more to do." },
  cancel: { label: "Stop", done: "stopped", suits: ({ state }) => LIVE.includes(state), method: "POST", end: "/cancel", more: "What they fetched is kept." },
  remove: { label: "Delete", done: "deleted", suits: () => true, method: "DELETE", end: "", more: "Their folders and everything they fetched are deleted too. This cannot be undone.", isHarmful: true },
};
if (engine) delete VERBS.remove; // its records are at the nodes
const AT_ONCE = 4;

// Sends the requests, a few at a time. Returns the errors. A job that is gone by now needs nothing.
async function sendAll(jobs, { method, end }, tick) {
  const rest = [...jobs];
  const errors = [];
  const work = async () => {
    for (let job = rest.shift(); job; job = rest.shift()) {
      try { await send(method, `v1/jobs/${job.id}${end}`); } catch (problem) { if (problem.status !== 404) errors.push(problem); }
      tick(jobs.length - rest.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return errors;
}

function question({ label, more, isHarmful }, suited, others) {
  const rest = others ? [`${many(others, "other job")} ${others === 1 ? "stays as it is" : "stay as they are"}.`] : [];
  return [`${label} ${many(suited, "job")}?`, { more: [more, ...rest], yes: label, isHarmful }];
}

// `chosen` are the selected jobs that are shown. With `everything`, a path of the API, all jobs that match are selected.
export function Bulk({ chosen, everything, isWhole, chooseAll, clear, refresh }) {
  const [busy, setBusy] = useState("");
  const press = (verb) => async () => {
    const said = VERBS[verb];
    setBusy(`${said.label} ...`);
    try {
      const jobs = everything ? (await getMany(everything)).items : chosen;
      const suited = jobs.filter(said.suits);
      if (!suited.length) return tell(`None of the selected jobs can be ${said.done} now.`);
      if (!(await confirmed(...question(said, suited.length, jobs.length - suited.length)))) return undefined;
      const errors = await sendAll(suited, said, (n) => setBusy(`${n} of ${suited.length}`));
      const ended = `${many(suited.length - errors.length, "job")} ${said.done}.`;
      tell(errors.length ? `${ended} ${many(errors.length, "job")} could not be ${said.done}: ${errors[0].message}` : ended, errors.length > 0);
      clear();
      return refresh();
    } catch (problem) { return tell(problem.message, true); } finally { setBusy(""); }
  };
  return html`<section class="bulk" aria-label="Selected jobs"><strong aria-live="polite">${busy || (everything ? "All jobs that match are selected." : `${many(chosen.length, "job")} selected.`)}</strong>
    ${!everything && isWhole && html`<button type="button" class="act quiet" onClick=${chooseAll}>Select all that match</button>`}
    <span class="grow"></span>${Object.entries(VERBS).map(([verb, { label, isHarmful }]) => html`
      <button type="button" class=${`act ${isHarmful ? "danger" : ""}`} disabled=${Boolean(busy)} onClick=${press(verb)}>${label}</button>`)}
    <button type="button" class="act quiet" onClick=${clear}>Clear</button></section>`;
}
