// Asks a question before something that is hard to undo, and tells what happened at the foot of the page.

import { html, render, useEffect, useState } from "./vendor/preact-htm.js";
import { plain } from "./words.js";

// Waits for the answer: true for `yes`. `more` holds sentences that say what it means. Escape and Cancel say no.
export function confirmed(question, { more = [], yes = "Continue", isHarmful = false } = {}) {
  const box = document.createElement("dialog");
  box.setAttribute("aria-labelledby", "question");
  if (more.length) box.setAttribute("aria-describedby", "question-more");
  document.body.append(box);
  const answered = new Promise((settle) => {
    box.addEventListener("close", () => {
      settle(box.returnValue === "yes");
      render(null, box);
      box.remove();
    });
  });
  render(html`<article><h2 id="question">${plain(question)}</h2>
    <div id="question-more">${more.map((one) => html`<p>${plain(one)}</p>`)}</div>
    <footer><button type="button" class="act" autofocus onClick=${() => box.close("no")}>Cancel</button>
      <button type="button" class=${`act primary ${isHarmful ? "harmful" : ""}`} onClick=${() => box.close("yes")}>${yes}</button></footer></article>`, box);
  box.showModal();
  return answered;
}

const SHOWN_MS = 8000;

// Shows a sentence for a while. A failure stays until it is closed.
export const tell = (text, isFailure = false) => dispatchEvent(new CustomEvent("told", { detail: { text, isFailure } }));

export function Notice() {
  const [said, setSaid] = useState(null);
  useEffect(() => {
    const heard = (event) => setSaid(event.detail);
    addEventListener("told", heard);
    return () => removeEventListener("told", heard);
  }, []);
  useEffect(() => {
    if (!said || said.isFailure) return undefined;
    const timer = setTimeout(() => setSaid(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return html`<div class="notice-place"><div aria-live="polite">${said && !said.isFailure && html`<p class="notice">${plain(said.text)}</p>`}</div>
    ${said?.isFailure && html`<p class="notice failure" role="alert"><span>${plain(said.text)}</span>
      <button type="button" class="act" onClick=${() => setSaid(null)}>Close</button></p>`}</div>`;
}
