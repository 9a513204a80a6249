// How long a job still takes, as an interval; where that cannot be told, as the least.

import { duration, number } from "./words.js";

export function toGo(eta) {
  if (eta.high_s === null) return eta.low_s >= 1 ? `at least ${duration(Math.floor(eta.low_s))}` : "unknown";
  return `${duration(Math.floor(eta.low_s))} to ${duration(eta.high_s)}`;
}

export function left(eta) {
  if (eta.left_high === null) return `at least ${number(Math.floor(eta.left_low))}`;
  return `${number(Math.floor(eta.left_low))} to ${number(Math.ceil(eta.left_high))}`;
}
