// The overview of a job: what limits it, its numbers, and charts of them.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { BoundBar } from "./advice.js";
import { get } from "./api.js";
import { Chart } from "./charts.js";
import { engine } from "./engine.js";
import { toGo } from "./eta.js";
import { Working } from "./nodes.js";
import { Fact } from "./parts.js";
import { Parked, Said } from "./wishes.js";
import { bytes, duration, number, plain, short } from "./words.js";

const KEPT = 3000;

// Returns the columns of the series, and appends new points while the job runs.
function useSeries(id, isRunning) {
  const [series, setSeries] = useState({ at: [], columns: {} });
  const held = useRef(series);
  useEffect(() => {
    let timer = 0;
    const ended = new AbortController();
    const ask = async () => {
      const { at } = held.current;
      try {
        const news = await get(`v1/jobs/${id}/stats?since=${at.length ? at[at.length - 1] + 0.001 : 0}`, ended.signal);
        if (news.at.length) {
          const joined = (old, more) => [...(old || []), ...more].slice(-KEPT);
          const columns = Object.fromEntries(Object.entries(news.columns).map(([name, more]) => [name, joined(held.current.columns[name], more)]));
          held.current = { at: joined(at, news.at), columns };
          setSeries(held.current);
        }
      } catch { /* the next attempt shows it */ }
      if (isRunning && !ended.signal.aborted) timer = setTimeout(ask, 1000);
    };
    ask();
    return () => { ended.abort(); clearTimeout(timer); };
  }, [id, isRunning]);
  return series;
}

// Turns counts into rates per second, averaged over five points so that the line is readable.
function rates(at, column = []) {
  return column.map((value, n) => {
    const from = Math.max(0, n - 5);
    const span = at[n] - at[from];
    return span > 0 ? Math.max(0, (value - column[from]) / span) : null;
  });
}

const known = (column) => (column || []).map((value) => (Number.isFinite(value) && value > 0 ? value : null));

export function Overview({ job, refresh }) {
  const { at, columns } = useSeries(job.id, job.state === "running");
  const [said, say] = useState("");
  const settled = job.counts.settled;
  const latency = job.latency;
  return html`
    ${engine ? html`<${Working} job=${job} />` : html`<${BoundBar} job=${job} refresh=${refresh} />`}
    <dl class="facts">
      <${Fact} name="pages">${number(job.pages)}<//>
      <${Fact} name="pages a second">${short(job.pages_per_s)}<//>
      ${!engine && html`<${Fact} name="received">${bytes(job.bytes)}<//>
      <${Fact} name="visits under way">${number(job.in_flight)}<//>`}
      ${job.eta && html`<${Fact} name="to go" title=${job.eta.why || "holds in 80 of 100 cases"}>${toGo(job.eta)}${job.eta.why && html`<small>${job.eta.why}</small>`}<//>`}
      <${Fact} name="queued">${number(job.counts.queued)}<//>
      ${!engine && html`<${Fact} name="to try again">${number(job.counts.retrying)}<//>`}
      ${job.counts.parked > 0 && html`<${Fact} name="parked" title="URLs that wait until you ask for them">${number(job.counts.parked)}<//>`}
      ${!engine && html`<${Fact} name="sites" title="with URLs to visit">${number(job.counts.sites)}<//>`}
      <${Fact} name="known URLs">${number(job.counts.known)}<//>
      ${Object.entries(settled).map(([name, n]) => html`<${Fact} key=${name} name=${plain(name)}>${number(n)}<//>`)}
      ${latency && html`<${Fact} name="answers in" title="50, 90 and 99 percent of answers took at most this long">${[latency.p50, latency.p90, latency.p99].map((ms) => (ms < 1000 ? Math.round(ms) : `${(ms / 1000).toFixed(1)} s`)).join(" · ")}${latency.p50 < 1000 ? html`<small>ms, 50 · 90 · 99 %</small>` : html`<small>50 · 90 · 99 %</small>`}<//>`}
    </dl>
    <${Said} text=${said} />
    ${job.counts.parked > 0 && html`<${Parked} job=${job} say=${say} />`}
    ${at.length > 1 ? html`<div class="charts">
      <${Chart} title="Pages a second" series=${[{ name: "pages a second", ink: "--c1" }]} data=${[at, rates(at, columns.pages)]} write=${short} />
      ${columns.bytes && html`<${Chart} title="Bytes a second" series=${[{ name: "received a second", ink: "--c2" }]} data=${[at, rates(at, columns.bytes)]} write=${bytes} />
      <${Chart} title="Visits under way" series=${[{ name: "visits", ink: "--c3" }]} data=${[at, columns.in_flight]} write=${short} />`}
      <${Chart} title="Queue" series=${[{ name: "queued", ink: "--c4" }]} data=${[at, columns.queued]} write=${short} />
      ${columns.p50 && html`<${Chart} title="Answers a second by status" isStacked=${true} write=${short}
        series=${[{ name: "2xx", ink: "--good" }, { name: "3xx", ink: "--c2" }, { name: "4xx", ink: "--warn" }, { name: "5xx", ink: "--bad" }]}
        data=${[at, rates(at, columns.status_2xx), rates(at, columns.status_3xx), rates(at, columns.status_4xx), rates(at, columns.status_5xx)]} />
      <${Chart} title="Time to answer" write=${(ms) => duration(ms / 1000)}
        series=${[{ name: "99 %", ink: "--bad" }, { name: "90 %", ink: "--warn" }, { name: "50 %", ink: "--good" }]}
        data=${[at, known(columns.p99), known(columns.p90), known(columns.p50)]} />`}
    </div>` : html`<p class="empty">${job.state === "running" ? "The charts appear in a moment." : `No charts yet. They cover the time since the ${engine ? "control plane" : "daemon"} started.`}</p>`}`;
}
