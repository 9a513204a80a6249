// Keeps the shown values fresh: asks again every few seconds (ten times more rarely in a hidden tab), and after events.

import { useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { follow, get } from "./api.js";
import { engine } from "./engine.js";

const listeners = new Set();
let connection = { isOn: null };
let told = () => {};

// An engine sends no events: there the answers themselves say whether it can be reached.
export function listen(onState) {
  if (engine) {
    told = onState;
    return () => { told = () => {}; };
  }
  const ended = new AbortController();
  follow("v1/events", (event) => listeners.forEach((hear) => hear(event)), (isOn) => {
    connection = { isOn };
    onState(isOn);
  }, ended.signal);
  return () => ended.abort();
}

export function useEvents(hear) {
  const latest = useRef(hear);
  latest.current = hear;
  useEffect(() => {
    const listener = (event) => latest.current(event);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
}

// Returns [value, error, refresh] for a path of the API. With the path null it asks nothing. `load` makes the request.
export function useLive(path, everyMs = 0, load = get) {
  const [state, setState] = useState({ path: null, value: null, error: null });
  const ask = useRef(() => {});
  useEffect(() => {
    if (path === null) return undefined;
    const ended = new AbortController();
    let timer = 0;
    ask.current = async () => {
      clearTimeout(timer);
      try {
        const value = await load(path, ended.signal);
        setState({ path, value, error: null });
        told(true);
      } catch (error) {
        if (ended.signal.aborted) return;
        told(error.status > 0);
        setState((old) => ({ path, value: old.path === path ? old.value : null, error }));
      }
      if (everyMs && !ended.signal.aborted) timer = setTimeout(() => ask.current(), document.hidden ? 10 * everyMs : everyMs);
    };
    ask.current();
    return () => { ended.abort(); clearTimeout(timer); };
  }, [path, everyMs]);
  return [state.path === path ? state.value : null, state.error, () => ask.current()];
}
