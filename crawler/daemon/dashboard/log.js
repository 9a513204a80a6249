// The log of a job: its last lines, newest at the end, all of them or those with a word.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { call, get, save } from "./api.js";
import { Act, Empty, Trouble } from "./parts.js";
import { plain } from "./words.js";

const MOST_BYTES = 1 << 17;
const EVERY_MS = 3000;
const LEVELS = { WARNING: "warn", ERROR: "bad", CRITICAL: "bad" };

// Reads the end of the file. The first line may be cut, so it is left out unless the file begins there.
async function readEnd(id, signal) {
  const { items } = await get(`v1/jobs/${id}/files`, signal);
  if (!items.some(({ path, bytes }) => path === "crawl.log" && bytes)) return { lines: [], isWhole: true };
  const answer = await call("GET", `v1/jobs/${id}/files/crawl.log`, { signal, range: `bytes=-${MOST_BYTES}` });
  const text = await answer.text();
  const isWhole = !/^bytes [1-9]/.test(answer.headers.get("Content-Range") || "");
  return { lines: text.split("\n").slice(isWhole ? 0 : 1).filter(Boolean), isWhole };
}

function useLog(job) {
  const [log, setLog] = useState(null);
  const [error, setError] = useState(null);
  const isLive = job.state === "running";
  useEffect(() => {
    const ended = new AbortController();
    let timer = 0;
    const ask = async () => {
      try { setLog(await readEnd(job.id, ended.signal)); setError(null); } catch (problem) {
        if (ended.signal.aborted) return;
        setError(problem);
      }
      if (isLive && !ended.signal.aborted) timer = setTimeout(ask, document.hidden ? 10 * EVERY_MS : EVERY_MS);
    };
    ask();
    return () => { ended.abort(); clearTimeout(timer); };
  }, [job.id, isLive]);
  return [log, error];
}

const levelOf = (line) => LEVELS[line.split(" ", 2)[1]] || "";

export function Log({ job }) {
  const [log, error] = useLog(job);
  const [word, setWord] = useState("");
  const [isTrouble, setIsTrouble] = useState(false);
  const box = useRef(null);
  const isAtEnd = useRef(true);
  const shown = (log?.lines || []).filter((line) => line.toLowerCase().includes(word.toLowerCase()) && (!isTrouble || levelOf(line)));
  useEffect(() => { if (box.current && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight; }, [shown.length, shown[shown.length - 1]]);
  const scrolled = ({ target }) => { isAtEnd.current = target.scrollTop + target.clientHeight > target.scrollHeight - 20; };
  if (!log) return html`<${Trouble} error=${error} />${!error && html`<p aria-busy="true"></p>`}`;
  return html`<div class="filter"><label>Find in the log<input type="search" placeholder="robots" value=${word} onInput=${(e) => setWord(e.target.value.trim())} /></label>
      <label class="check"><input type="checkbox" checked=${isTrouble} onChange=${(e) => setIsTrouble(e.target.checked)} /> Warnings and errors only</label>
      ${log.lines.length > 0 && html`<${Act} label="Save the whole log" act=${() => save(`v1/jobs/${job.id}/files/crawl.log`, "crawl.log")} />`}</div>
    <${Trouble} error=${error} />
    ${!log.isWhole && html`<p class="under">These are the last ${log.lines.length} lines.</p>`}
    ${shown.length ? html`<pre class="log" tabindex="0" role="log" aria-label="Log" ref=${box} onScroll=${scrolled}>${shown.map((line, n) => html`<span key=${n} class=${levelOf(line)}>${plain(line)}${"\n"}</span>`)}</pre>`
      : html`<${Empty}>${log.lines.length ? "No line matches." : "The log is empty."}<//>`}`;
}
