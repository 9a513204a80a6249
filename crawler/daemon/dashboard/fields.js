// Turns settings into text and back. The type of the present value decides how typed text is read.

export function written(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  if (typeof value === "object" && Object.keys(value).length === 0) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const split = (text) => text.split(",").map((one) => one.trim()).filter(Boolean);

const SECONDS = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600, d: 86400 };
const BYTES = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

// Reads `5m`, `1.5 h`, `500K` and `2 MB` as numbers of the setting's unit; any other text stays as it is.
function counted(text, unit) {
  const [, number, word] = /^([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)$/i.exec(text) || [];
  const sizes = unit === "seconds" ? SECONDS : unit.startsWith("bytes") ? BYTES : {};
  const size = sizes[unit === "seconds" ? word?.toLowerCase() : word?.toLowerCase().replace(/i?b$/, "")];
  return size ? Number(number) * size : text;
}

// `sample`: the present value, or the default. `unit`: that of the setting, in words.
export function read(text, sample, unit = "") {
  const bare = text.trim();
  if (Array.isArray(sample) && !bare.startsWith("[")) return split(bare);
  if (typeof sample === "boolean") return bare === "true";
  if (bare === "" && (sample === null || typeof sample === "number")) return null;
  const value = counted(bare, unit);
  if (typeof sample === "number" && !Number.isNaN(Number(value))) return Number(value);
  if ((sample !== null && typeof sample === "object") || bare.startsWith("[") || bare.startsWith("{")) {
    try { return JSON.parse(bare); } catch { return bare; }
  }
  if (sample === null && bare !== "" && !Number.isNaN(Number(value))) return Number(value);
  return bare;
}
