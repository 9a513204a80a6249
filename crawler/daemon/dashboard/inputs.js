// The fields of a form: each with its label in words, its unit, its help, and what is wrong with it.

import { html } from "./vendor/preact-htm.js";
import { written } from "./fields.js";
import { choice, help, label, unit } from "./labels.js";
import { plain } from "./words.js";

// Text in which parts stand between backquotes, as the catalogue of settings writes it.
export const Marked = ({ text }) => plain(text).split("`").map((part, n) => (n % 2 ? html`<code>${part}</code>` : part));

// What is wrong, without the name of the setting: it stands at its field.
const PLAINER = [
  [/^(settings: )?\[[a-z_]+\] [a-z_]+( = .*?)?: /, ""], [/should be a valid integer(, unable to parse string as an integer)?/, "should be a whole number"],
  [/should be a valid number(, unable to parse string as a number)?/, "should be a number"],
];
const plainer = (fault) => PLAINER.reduce((text, [one, other]) => text.replace(one, other), fault);

// `input` draws the field with the attributes that it is given.
export function Field({ id, name, about, fault, input, extra = "", isWide = false }) {
  const attributes = { id, "aria-describedby": `${fault ? `${id}-fault ` : ""}${id}-about`, "aria-invalid": fault ? "true" : undefined };
  return html`<div class=${`field ${isWide ? "broad" : ""}`}><label for=${id}>${name}${extra && html`${" "}<span class="unit">in ${extra}</span>`}</label>${input(attributes)}
    ${fault && html`<small id=${`${id}-fault`} class="failed fault">${plain(plainer(fault))}</small>`}
    <small id=${`${id}-about`}><${Marked} text=${about} /></small></div>`;
}

export function Text({ id, name, about, fault, value, change, placeholder, type = "text", isWide, ...more }) {
  return html`<${Field} id=${id} name=${name} about=${about} fault=${fault} isWide=${isWide} input=${(attributes) => html`<input ...${attributes} ...${more} type=${type} value=${value}
    placeholder=${placeholder} onInput=${(e) => change(e.target.value)} autocomplete="off" spellcheck=${false} />`} />`;
}

// `choices`: pairs of a value and its words.
export function Select({ id, name, about, fault, value, change, choices }) {
  return html`<${Field} id=${id} name=${name} about=${about} fault=${fault} input=${(attributes) => html`<select ...${attributes} value=${value} onChange=${(e) => change(e.target.value)}>
    ${choices.map(([one, words]) => html`<option value=${one}>${words}</option>`)}</select>`} />`;
}

export function Check({ id, name, about, value, change }) {
  return html`<div class="field check"><label for=${id}><input id=${id} type="checkbox" checked=${value} aria-describedby=${`${id}-about`} onChange=${(e) => change(e.target.checked)} /> ${name}</label>
    <small id=${`${id}-about`}><${Marked} text=${about} /></small></div>`;
}

// Returns every setting of the schema as { key, about, choices, kind, sample }, with those inside tables by full name.
export function settingsOf(schema) {
  const tables = schema.json_schema.$defs || {};
  const found = [];
  for (const [name, said] of Object.entries(schema.json_schema.properties)) {
    const table = tables[(said.$ref || said.allOf?.[0]?.$ref || "").split("/").pop()];
    if (table?.properties) for (const [leaf, inner] of Object.entries(table.properties)) found.push(setting(`${name}.${leaf}`, inner, schema));
    else found.push(setting(name, said, schema));
  }
  return found;
}

function setting(key, said, schema) {
  const options = [said, ...(said.anyOf || [])];
  const types = options.map((one) => one.type).filter(Boolean);
  return { key, about: help(said.description), choices: options.find((one) => one.enum)?.enum, isFlag: types.includes("boolean"), isNumber: types.includes("integer") || types.includes("number"), sample: schema.defaults[key] };
}

// The field of one setting. An empty value stands for the default.
export function SettingField({ one, value, change, fault }) {
  const id = `set-${one.key}`;
  const given = { id, name: label(one.key), about: one.about, fault, value: value ?? "", change };
  const choices = one.choices || (one.isFlag ? [one.sample, !one.sample] : null);
  if (choices) {
    const others = choices.filter((each) => each !== one.sample).map((each) => [String(each), choice(one.key, each)]);
    return html`<${Select} ...${given} choices=${[["", `${choice(one.key, one.sample)} (default)`], ...others]} />`;
  }
  return html`<${Field} ...${given} extra=${unit(one.key)} input=${(attributes) => html`<input ...${attributes} type="text" inputmode=${one.isNumber ? "decimal" : undefined} value=${given.value}
    placeholder=${written(one.sample) || (one.isNumber ? "no limit" : "none")} onInput=${(e) => change(e.target.value)} autocomplete="off" spellcheck=${false} />`} />`;
}
