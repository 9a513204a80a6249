// The page around the views: routes, the token, the state of the connection, the theme.

import { html, render, useEffect, useState } from "./vendor/preact-htm.js";
import { keepToken, otherToken, settleToken, token } from "./api.js";
import { Notice } from "./dialog.js";
import { engine } from "./engine.js";
import { listen, useLive } from "./live.js";
import { Jobs } from "./jobs.js";
import { Job } from "./job.js";
import { NewJob } from "./create.js";
import { Trouble } from "./parts.js";
import { Schedules } from "./schedules.js";

function useRoute() {
  const read = () => {
    const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
    return [path.split("/").map(decodeURIComponent), search];
  };
  const [route, setRoute] = useState(read());
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

const THEMES = { auto: "◐", light: "☀", dark: "☾" };

function useTheme() {
  const [theme, setTheme] = useState(localStorage.getItem("crawld-theme") || "auto");
  useEffect(() => {
    localStorage.setItem("crawld-theme", theme);
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", theme);
    dispatchEvent(new Event("theme"));
  }, [theme]);
  const names = Object.keys(THEMES);
  return [theme, () => setTheme(names[(names.indexOf(theme) + 1) % names.length])];
}

function AskToken({ done, error }) {
  const [text, setText] = useState("");
  const submit = (event) => { event.preventDefault(); keepToken(text); done(); };
  return html`<main class="ask"><h1>crawld</h1>
    <p>Enter the daemon's token. It is the text in the file <code>token</code> in the daemon's data folder. Or open the
    address that <code>crawl serve</code> printed.</p>
    ${token() && html`<${Trouble} error=${error} />`}
    <form onSubmit=${submit}>
      <label>Token <input type="password" autocomplete="off" value=${text} aria-invalid=${token() ? "true" : undefined} onInput=${(e) => setText(e.target.value)} autofocus /></label>
      <button type="submit">Sign in</button>
    </form></main>`;
}

function AskWhich() {
  return html`<main class="ask" role="alertdialog" aria-labelledby="which"><h1 id="which">Another token</h1>
    <p>The address you opened contains a token that differs from the one saved in this tab. If you did not copy this address
    from your own daemon, keep the saved token. Nothing has changed so far.</p>
    <p><button type="button" autofocus onClick=${() => settleToken(false)}>Keep the saved token</button>${" "}
    <button type="button" class="secondary" onClick=${() => settleToken(true)}>Use the new token</button></p></main>`;
}

const TITLES = { new: "New job", schedules: "Schedules", job: "Job" };

function Shell() {
  const [[view, id, tab], search] = useRoute();
  const [theme, turnTheme] = useTheme();
  const [isOn, setIsOn] = useState(null);
  useEffect(() => listen(setIsOn), []);
  useEffect(() => { document.title = `${TITLES[view] || "Jobs"} · crawld`; }, [view]);
  const page = view === "new" ? html`<${NewJob} key=${search} search=${search} />`
    : view === "schedules" ? html`<${Schedules} />`
    : view === "job" && id ? html`<${Job} key=${id} id=${id} tab=${tab || "overview"} search=${search} />`
    : html`<${Jobs} state=${view === "jobs" ? id || "" : ""} search=${search} />`;
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header><nav aria-label="Main">
      <a class="brand" href="#/" title="crawld"><img src="assets/icon.svg" alt="" width="22" height="22" /> crawld</a>
      <a href="#/" aria-current=${!["new", "schedules"].includes(view) ? "page" : undefined}>Jobs</a>
      <a href="#/schedules" aria-current=${view === "schedules" ? "page" : undefined}>Schedules</a>
      <a href="#/new" aria-current=${view === "new" ? "page" : undefined}>New job</a>
      <span class="grow"></span>
      <span class="line ${isOn === false ? "off" : "on"}" role="status">${isOn === false ? "not connected" : isOn ? "live" : ""}</span>
      <button type="button" class="act" onClick=${turnTheme} title="Light, dark, or the system's theme" aria-label=${`Theme: ${theme}`}>${THEMES[theme]}</button>
    </nav></header>
    <main id="main" tabindex="-1">${page}</main>
    <footer class="foot">${engine ? html`Crawls of the engine ${engine}` : html`<a href="docs">The API, for programs</a>`}</footer><${Notice} />`;
}

function App() {
  const [isAsked, setIsAsked] = useState(Boolean(otherToken()));
  useEffect(() => {
    const asked = () => setIsAsked(true);
    addEventListener("token", asked);
    return () => removeEventListener("token", asked);
  }, []);
  const [value, error] = useLive(isAsked ? null : "v1/jobs?limit=1");
  if (isAsked) return html`<${AskWhich} />`;
  if (error?.status === 401) return html`<${AskToken} error=${error} done=${() => location.reload()} />`;
  if (!value && !error) return html`<main aria-busy="true"></main>`;
  return html`<${Shell} />`;
}

render(html`<${App} />`, document.getElementById("app"));
