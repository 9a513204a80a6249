// What records hold of each page: the part of a form that jobs and schedules share.

import { html } from "./vendor/preact-htm.js";
import { Check, Select } from "./inputs.js";
import { spaced } from "./terms.js";

const FORMATS = { jsonl: "JSON Lines: one record a line" };
export const NOTHING = { links: null, text: null, format: "" };

// Returns the choices by the names of the API. What nobody chose is as the settings of the daemon or a template say.
export const kept = ({ links, text, format }) => ({ ...(links === null ? {} : { links }), ...(text === null ? {} : { text }), ...(format ? { formats: [format] } : {}) });

export function Keep({ asked, put, schema, faultOf }) {
  const usual = schema.defaults.sinks[0] || {};
  return html`<fieldset><legend>What to keep of each page</legend><div class="fields">
    ${schema.formats.length > 0 && html`<${Select} id="job-format" name="Format" about="The form of the records, which are in the job's folder." fault=${faultOf("formats")} value=${asked.format} change=${put("format")}
      choices=${[["", "the daemon's default"], ...schema.formats.map((one) => [one, FORMATS[one] || spaced(one)])]} />`}
    <${Check} id="job-links" name="Links" about="Records list the links of each page." value=${asked.links ?? usual.links} change=${put("links")} />
    <${Check} id="job-text" name="Text" about="Records hold the readable text of each page." value=${asked.text ?? usual.text} change=${put("text")} />
  </div></fieldset>`;
}

