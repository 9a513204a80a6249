// The nodes of a crawl in an engine: who works on it, with how many shards; and the sites that they leave alone.

import { html, useState } from "./vendor/preact-htm.js";
import { send } from "./api.js";
import { useLive } from "./live.js";
import { Act, Fact, Table, Trouble } from "./parts.js";
import { many } from "./terms.js";
import { duration, moment, number, plain } from "./words.js";

const visits = (node) => Object.values(node.settled).reduce((sum, n) => sum + n, 0);
const stateOf = (node) => (!node.is_alive ? "gone" : node.drains ? "leaving" : "works");
const KINDS = { works: "running", leaving: "paused", gone: "cancelled" };

function Row({ node, shards }) {
  const state = stateOf(node);
  return html`<tr><td><code>${plain(node.name)}</code></td><td><span class=${`badge ${KINDS[state]}`}>${state}</span></td>
    <td class="n">${number(node.shards)}</td>
    <td><progress value=${node.shards} max=${shards || 1} aria-label=${`${node.shards} of ${shards} shards`}></progress></td>
    <td class="n">${number(visits(node))}</td><td class="n wider">${number(node.settled.failed || 0)}</td>
    <td class="n">${duration(node.beat_s)}</td><td class="wider">${moment(node.joined_at)}</td></tr>`;
}

function Held({ job, refresh }) {
  const [site, setSite] = useState("");
  const [error, setError] = useState(null);
  const tell = async (verb, named) => { await send("POST", `v1/jobs/${job.id}/sites/${verb}`, { site: named }); refresh(); };
  const hold = async (event) => {
    event.preventDefault();
    try { await tell("hold", site.trim()); setSite(""); setError(null); } catch (problem) { setError(problem); }
  };
  return html`<h2 class="part">Sites on hold</h2><${Trouble} error=${error} />
    ${job.held.length > 0 && html`<${Table} head=${[["site"], [html`<span class="hidden">actions</span>`]]} rows=${job.held.map((one) => html`
      <tr key=${one}><td>${plain(one)}</td><td><span class="controls"><${Act} label="Release" title="Visit it again" act=${() => tell("release", one)} /></span></td></tr>`)} />`}
    <form class="bar part" onSubmit=${hold}><label class="grow">Hold a site<input type="text" inputmode="url" placeholder="https://example.org" value=${site} onInput=${(e) => setSite(e.target.value)} /></label>
      <button type="submit" class="act" disabled=${!site.trim()}>Hold</button></form>
    <p class="under">All nodes heed it with their next beat, and so do nodes that join later.</p>`;
}

export function Nodes({ job, refresh }) {
  const [found, error] = useLive(`v1/jobs/${job.id}/nodes`, 2000);
  if (!found) return html`<${Trouble} error=${error} />`;
  const held = found.items.reduce((sum, node) => sum + node.shards, 0);
  return html`<${Trouble} error=${error} /><dl class="facts">
      <${Fact} name="nodes at work">${number(found.items.filter((node) => node.is_alive).length)}<//>
      <${Fact} name="shards held" title="A shard is a part of all sites; one node at a time visits them">${`${number(held)} of ${number(found.shards)}`}<//>
      <${Fact} name="pages a second">${number(Math.round(job.pages_per_s * 10) / 10)}<//></dl>
    <${Table} empty=${html`No node has joined yet. <code>crawl work --engine URL</code> starts one.`}
      head=${[["node"], ["state"], ["shards", "n"], ["share"], ["visits", "n"], ["failed", "n wider"], ["last heard", "n"], ["joined", "wider"]]}
      rows=${found.items.map((node) => html`<${Row} key=${node.name} node=${node} shards=${found.shards} />`)} />
    <${Held} job=${job} refresh=${refresh} />`;
}

// What stands above the figures of a crawl in an engine.
export const Working = ({ job }) => html`<section class="bound" aria-label="Its nodes">
  <h2>${job.nodes > 0 ? html`<em>${many(job.nodes, "node")}</em> ${job.nodes === 1 ? "works" : "work"} on it` : "No node works on it"}</h2>
  ${!job.nodes && ["queued", "running"].includes(job.state) && html`<p><code>crawl work --engine URL</code> on any machine starts one.</p>`}
  ${job.state === "completed" && html`<p><code>crawl merge ${plain(job.id)} --engine URL -o pages.jsonl</code> puts together what its nodes wrote.</p>`}</section>`;
