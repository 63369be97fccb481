// The list of calls that go on: it fetches itself when something changes, and its clocks run.

import htmx from "../vendor/htmx.js";
import { clock } from "./texts.js";

const APART_MS = 1000;
const APART_MS_A_CALL = 20; // a long list costs the hub more, and nobody reads it as often
const list = () => document.querySelector("[data-live-calls]");

let fetchedAt = 0;
let timer = null;
let ahead = 0; // the browser's clock before the hub's, in milliseconds

function refreshSoon() {
  if (!list() || document.hidden || timer) return;
  const apart = APART_MS + APART_MS_A_CALL * list().querySelectorAll(".live-call").length;
  timer = setTimeout(refresh, Math.max(apart - (performance.now() - fetchedAt), 0));
}

async function refresh() {
  const area = list();
  if (area) await htmx.ajax("GET", area.dataset.liveCalls + location.search, { source: area, target: area, select: "#live-list", swap: "outerMorph", push: "false" });
  fetchedAt = performance.now();
  timer = null;
}

function tick() {
  const now = Date.now() - ahead;
  for (const place of document.querySelectorAll("[data-since-ms]")) place.textContent = clock((now - place.dataset.sinceMs) / 1000);
  for (const place of document.querySelectorAll("[data-until-ms]")) place.textContent = clock((place.dataset.untilMs - now) / 1000);
}

export function prepareCalls() {
  const area = list();
  if (!area) return;
  ahead = Date.now() - Number(area.dataset.nowMs);
  tick();
}

// what somebody did here shows as soon as it is done
document.addEventListener("htmx:after:swap", ({ detail }) => {
  if (detail.ctx.target?.id !== "live-list" || detail.ctx.request?.method !== "POST") return;
  clearTimeout(timer);
  timer = null;
  fetchedAt = -Infinity;
});

// an error is told, and the list stays as it is
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (ctx.target !== list() || ctx.text.includes('id="live-list"')) return;
  event.preventDefault();
  document.dispatchEvent(new CustomEvent("hub:failed"));
});

for (const name of ["hub:live.changed", "hub:instance.health", "hub:resync"]) document.addEventListener(name, refreshSoon);
document.addEventListener("visibilitychange", refreshSoon);
setInterval(() => document.hidden || tick(), 1000);
