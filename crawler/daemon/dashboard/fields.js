// Turns settings into text and back. The type of the present value decides how typed text is read.

export function written(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const split = (text) => text.split(",").map((one) => one.trim()).filter(Boolean);

// `sample`: the present value, or the default.
export function read(text, sample) {
  const bare = text.trim();
  if (Array.isArray(sample) && !bare.startsWith("[")) return split(bare);
  if (typeof sample === "boolean") return bare === "true";
  if (bare === "" && (sample === null || typeof sample === "number")) return null;
  if (typeof sample === "number" && !Number.isNaN(Number(bare))) return Number(bare);
  if ((sample !== null && typeof sample === "object") || bare.startsWith("[") || bare.startsWith("{")) {
    try { return JSON.parse(bare); } catch { return bare; }
  }
  if (sample === null && bare !== "" && !Number.isNaN(Number(bare))) return Number(bare);
  return bare;
}
