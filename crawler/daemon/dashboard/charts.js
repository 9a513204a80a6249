// Lines and stacked areas over time, drawn by uPlot in the page's own colours.

import { html, useEffect, useRef } from "./vendor/preact-htm.js";
import uPlot from "./vendor/uplot.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(title, series, size, isStacked, write) {
  const axis = { stroke: colour("--ink-soft"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  return {
    title: undefined, ...size, padding: [8, 8, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 5 } },
    legend: { live: true },
    scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.1, 0.1)] } },
    axes: [{ ...axis, size: 26, space: 70, values: (_, times) => times.map((at) => new Date(at * 1000).toLocaleTimeString("en-GB")) }, { ...axis, size: 58, values: (_, values) => values.map(write) }],
    series: [{ label: "" , value: (_, at) => (at ? new Date(at * 1000).toLocaleTimeString() : "") },
      ...series.map(({ name, ink }, n) => ({
        label: name, stroke: colour(ink), width: 1.5, points: { show: false },
        fill: isStacked || series.length === 1 ? colour(ink) + (isStacked ? "aa" : "22") : undefined,
        value: (u, value, row, at) => (at === null || value === null ? "–" : write(isStacked && row < series.length ? value - (u.data[row + 1]?.[at] ?? 0) : value)),
      }))],
  };
}

// Stacks the columns: each layer is drawn on top of those after it, so the first is the sum of all and lies behind.
function stacked(data) {
  const [at, ...columns] = data;
  const sums = at.map(() => 0);
  const layers = columns.slice().reverse().map((column) => column.map((value, n) => (sums[n] += value ?? 0)));
  return [at, ...layers.reverse()];
}

export function Chart({ title, series, data, isStacked = false, write = (n) => String(n) }) {
  const place = useRef(null);
  const plot = useRef(null);
  const shown = isStacked ? stacked(data) : data;
  const latest = useRef(shown);
  latest.current = shown;
  useEffect(() => {
    const size = () => ({ width: Math.max(place.current.clientWidth, 240), height: 150 });
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(title, series, size(), isStacked, write), latest.current, place.current);
    };
    draw();
    const watch = new ResizeObserver(() => plot.current?.setSize(size()));
    watch.observe(place.current);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    addEventListener("theme", draw);
    return () => { watch.disconnect(); scheme.removeEventListener("change", draw); removeEventListener("theme", draw); plot.current?.destroy(); };
  }, []);
  useEffect(() => { plot.current?.setData(shown); }, [data]);
  return html`<figure class="chart"><figcaption>${title}</figcaption><div ref=${place}></div></figure>`;
}
