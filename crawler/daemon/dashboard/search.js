// Pages of a job by words: the box on the list of pages, and what it finds.

import { html, useState } from "./vendor/preact-htm.js";
import { query } from "./api.js";
import { useLive } from "./live.js";
import { Empty, Link, Trouble } from "./parts.js";
import { moment, number, plain } from "./words.js";

const AGAIN_MS = 1000;

// The words are part of the address, so that people can link to them.
export function SearchBox({ job, words }) {
  const [draft, setDraft] = useState(words);
  const apply = (event) => { event.preventDefault(); location.hash = `#/job/${job.id}/pages${query({ q: draft.trim() })}`; };
  return html`<search><form class="filter search" onSubmit=${apply}>
    <label>words in titles, texts and addresses<input type="search" placeholder='"red shoes" size* -sale' maxlength="1000" value=${draft} onInput=${(e) => setDraft(e.target.value)} /></label>
    <button type="submit" class="act primary">Search</button>
    ${words && html`<a class="act" role="button" href=${`#/job/${job.id}/pages`}>All records</a>`}</form></search>`;
}

// A snippet with the found words marked. Places are counted in characters, not in the units of a string.
function Snippet({ text, marks }) {
  const letters = Array.from(text);
  const parts = marks.flatMap(([begin, end], n) => [letters.slice(n ? marks[n - 1][1] : 0, begin).join(""), html`<mark>${plain(letters.slice(begin, end).join(""))}</mark>`]);
  const rest = letters.slice(marks.length ? marks[marks.length - 1][1] : 0).join("");
  return html`<p>${parts.map((part) => (typeof part === "string" ? plain(part) : part))}${plain(rest)}</p>`;
}

const Hit = ({ job, one }) => html`<li>
  <a href=${`#/job/${job.id}/explain/${encodeURIComponent(one.url)}`}>${plain(one.title || "No title")}</a>
  <small><${Link} url=${one.url} />${one.status !== 200 ? ` · ${one.status}` : ""} · ${moment(Date.parse(one.at) / 1000)}</small>
  ${one.snippet && html`<${Snippet} text=${one.snippet} marks=${one.marks} />`}</li>`;

// While the index is being made, the answer is asked for again.
export function Hits({ job, words }) {
  const [isMaking, setIsMaking] = useState(false);
  const [found, error] = useLive(`v1/jobs/${job.id}/search${query({ q: words, limit: 50 })}`, isMaking ? AGAIN_MS : 0);
  if (found && isMaking === found.is_current) setIsMaking(!found.is_current);
  if (!found) return html`<${Trouble} error=${error} />${!error && html`<p aria-busy="true"></p>`}`;
  const more = found.total > found.hits.length ? `, the best ${number(found.hits.length)} are shown` : "";
  return html`<${Trouble} error=${error} />
    ${!found.is_current && html`<p class="hint">The index is being made. More may be found in a moment.</p>`}
    ${!found.has_texts && html`<p class="hint">This job keeps no texts, so only titles and addresses are searched.</p>`}
    ${found.total ? html`<p class="under">${number(found.total)} ${found.total === 1 ? "page" : "pages"} found${more}</p><ol class="hits">${found.hits.map((one) => html`<${Hit} key=${one.url} job=${job} one=${one} />`)}</ol>`
      : html`<${Empty}>No page holds all these words.<//>`}`;
}
