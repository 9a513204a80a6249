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
  const units = ["B", "kB", "MB", "GB", "TB"]; // as the command writes them, in steps of 1000
  let unit = 0;
  while (n >= 999.5 && unit < 4) { n /= 1000; unit++; }
  return `${n < 99.95 && unit ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

export function duration(s) {
  if (s === null || s === undefined) return "–";
  // As the command writes it (cli/show.py): two units at most, and never 60 of one.
  if (s < 0.9995) return s > 0 ? `${Math.round(s * 1000)} ms` : "0 s";
  if (s < 9.95) return `${s.toFixed(1)} s`;
  const [seconds, minutes, hours] = [Math.round(s), Math.round(s / 60), Math.round(s / 3600)];
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const moment = (unix) => (unix ? new Date(unix * 1000).toLocaleString() : "–");
export const minute = (unix) => (unix ? new Date(unix * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "–");
export const clock = (unix) => (unix ? new Date(unix * 1000).toLocaleTimeString() : "–");
export const percent = (part) => `${part > 0 && part < 0.01 ? "<1" : Math.round(part * 100)} %`;

// Characters that are never shown as they are: controls, marks that change the direction of text, invisible ones. The same set as in runtime/escaping.py.
const HARMFUL = /[\ufe00-\ufe0d]|(?<![\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23fa\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\u{1f000}-\u{1faff}])[\ufe0e\ufe0f](?!(?<=[0-9#*]\ufe0f)\u20e3)|[\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\u{16fe4}\u{1d159}\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}\ud800-\uf8ff\u{f0000}-\u{10ffff}]/gu;
const escaped = (code) => (code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`);
export const plain = (text) => String(text ?? "").replace(HARMFUL, (one) => escaped(one.codePointAt(0)));
