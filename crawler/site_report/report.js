// Draws the charts, opens what a link leads to, and writes tables as CSV. The page is complete without it.

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const number = (n) => (n === null || n === undefined ? "–" : n >= 100 || Number.isInteger(n) ? Math.round(n).toLocaleString("en") : n.toPrecision(2));
const bytes = (n) => {
  if (n === null) return "–";
  const at = n < 1 ? 0 : Math.min(4, Math.floor(Math.log10(n) / 3));
  return `${number(n / 1000 ** at)} ${["B", "kB", "MB", "GB", "TB"][at]}`;
};
const ms = (n) => (n === null ? "–" : n < 1000 ? `${number(n)} ms` : n < 120000 ? `${number(n / 1000)} s` : n < 7200000 ? `${number(n / 60000)} min` : `${number(n / 3600000)} h`);
const span = (s) => (s < 60 ? `${Math.round(s)} s` : `${s >= 3600 ? `${Math.floor(s / 3600)}:` : ""}${String(Math.floor((s % 3600) / 60)).padStart(s >= 3600 ? 2 : 1, "0")}:${String(Math.floor(s % 60)).padStart(2, "0")}`);
const UNITS = { per_s: (n) => `${number(n)}/s`, bytes: (n) => `${bytes(n)}/s`, ms, share: (n) => `${number(n)} %`, count: number };

// Stacks the columns: each layer is drawn on top of those after it, so the first is the sum of all and lies behind.
function stacked(columns) {
  const sums = columns[0].map(() => 0);
  return columns.slice().reverse().map((column) => column.map((value, n) => (value === null ? null : (sums[n] += value)))).reverse();
}

function options(chart, width) {
  const { kind, names, inks } = chart;
  const write = UNITS[chart.unit];
  const isBars = kind === "bars";
  const axis = { stroke: ink("--ink-soft"), grid: { stroke: ink("--rule"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  const x = isBars ? (n) => ms(chart.x[n]) : span;
  return {
    width, height: 170, padding: [8, 12, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 5 } },
    scales: { x: { time: false, range: isBars ? [-0.6, chart.x.length - 0.4] : undefined }, y: { range: (_, low, high) => [0, chart.unit === "share" ? 100 : Math.max(high * 1.08, 0.1)] } },
    axes: [
      { ...axis, size: 26, space: 60, values: (_, at) => at.map((n) => (isBars ? (Number.isInteger(n) && n in chart.x ? x(n) : "") : x(n))), grid: { show: !isBars } },
      { ...axis, size: 64, values: (_, values) => values.map(write) },
    ],
    series: [
      { label: isBars ? "up to" : "after", value: (_, at) => (at === null ? "" : x(at)) },
      ...names.map((name, n) => ({
        label: name, stroke: ink(inks[n]), width: isBars ? 0 : 1.5, points: { show: false },
        paths: isBars ? uPlot.paths.bars({ size: [0.8, 64] }) : undefined,
        fill: kind === "lines" ? (names.length === 1 ? `${ink(inks[n])}22` : undefined) : ink(inks[n]),
        value: (u, _, row, at) => (at === null || at === undefined ? "–" : write(chart.data[n][at])),
      })),
    ],
  };
}

function draw(place, chart, width) {
  place.querySelector(".uplot")?.remove();
  const edge = getComputedStyle(place);
  const room = place.clientWidth - parseFloat(edge.paddingLeft) - parseFloat(edge.paddingRight);
  const xs = chart.kind === "bars" ? chart.x.map((_, n) => n) : chart.x;
  const columns = chart.kind === "area" ? stacked(chart.data) : chart.data;
  new uPlot(options(chart, width ?? Math.max(room, 220)), [xs, ...columns], place);
}

function drawAll() {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  document.getElementById("drawn").replaceChildren();
  const drawn = charts.map((chart) => {
    const place = document.createElement("figure");
    const title = document.createElement("figcaption");
    title.textContent = chart.title;
    place.append(title);
    document.getElementById("drawn").append(place);
    draw(place, chart);
    return (wide) => draw(place, chart, wide);
  });
  const again = (wide) => drawn.forEach((one) => one(wide));
  let width = innerWidth; // a phone changes its height alone when it scrolls
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; again(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => again());
  return again;
}

// A text that a spreadsheet might take for a formula gets a ' before it.
const cell = (text) => {
  const harmless = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]/.test(text) && !/^-?[\d.,]+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};

const words = (place) => place.querySelector("a")?.href ?? place.textContent.trim();

// A row with a list of pages becomes a row for each page.
function rows(table) {
  const heads = [...table.querySelectorAll("thead th")].map((one) => one.textContent);
  const lists = heads.indexOf("On pages");
  const names = lists < 0 ? heads.filter(Boolean) : [...heads.slice(0, lists), "Text", "Page"];
  const found = [...table.querySelectorAll("tbody tr")].flatMap((row) => {
    const cells = [...row.children];
    const plain = cells.filter((_, n) => n !== lists && heads[n]).map((one) => words(one));
    if (lists < 0) return [plain];
    const pages = [...cells[lists].querySelectorAll("li:not(.more)")];
    if (!pages.length) return [[...plain, "", ""]];
    return pages.map((page) => [...plain, page.querySelector("q")?.textContent ?? "", words(page)]);
  });
  return [names, ...found];
}

function offer(place) {
  const button = document.createElement("button");
  button.textContent = "CSV";
  button.className = "csv";
  button.title = `Save this table as ${place.dataset.csv}.csv`;
  button.addEventListener("click", () => {
    const text = rows(place.querySelector("table")).map((row) => row.map(cell).join(",")).join("\r\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${text}\r\n`], { type: "text/csv" }));
    link.download = `${place.dataset.csv}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  place.prepend(button);
}

function open() {
  const part = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (part instanceof HTMLDetailsElement) part.open = true;
}

const again = drawAll();
document.querySelectorAll("[data-csv]").forEach(offer);
addEventListener("hashchange", open);
open();

// Pixels of a chart on paper, where two stand side by side.
const PAPER = 310;

// On paper all is open, and in the colours of the day.
const closed = [];
addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach((one) => { one.open = true; closed.push(one); });
  document.documentElement.dataset.theme = "light";
  again(PAPER);
});
addEventListener("afterprint", () => {
  closed.splice(0).forEach((one) => { one.open = false; });
  delete document.documentElement.dataset.theme;
  again();
});
