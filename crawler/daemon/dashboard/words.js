// Numbers, sizes and times as people read them.

const grouped = new Intl.NumberFormat("en");
export const number = (n) => (n === null || n === undefined ? "–" : grouped.format(Math.round(n)));

export function short(n) {
  if (n === null || n === undefined) return "–";
  if (Math.abs(n) < 10) return n === 0 ? "0" : n.toFixed(n < 1 ? 2 : 1);
  for (const [size, sign] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (Math.abs(n) >= size) return (n / (sign === "k" ? 1e3 : size)).toFixed(1) + " " + sign;
  }
  return number(n);
}

export function bytes(n) {
  if (n === null || n === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < 4) { n /= 1024; unit++; }
  return `${n < 10 && unit ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

export function duration(s) {
  if (s === null || s === undefined) return "–";
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.round((s % 86400) / 3600)} h`;
}

export const moment = (unix) => (unix ? new Date(unix * 1000).toLocaleString() : "–");
export const clock = (unix) => (unix ? new Date(unix * 1000).toLocaleTimeString() : "–");
export const percent = (part) => `${part > 0 && part < 0.01 ? "<1" : Math.round(part * 100)} %`;

// What may not be drawn as it is: controls, and marks that turn the direction of what follows.
export const plain = (text) =>
  String(text ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
