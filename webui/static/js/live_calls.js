// The list of calls that go on: it fetches itself when something changes, and its clocks run while the hub is there.

import htmx from "../vendor/htmx.js";
import { clock, icon, page, t } from "./texts.js";

const APART_MS = 1000;
const APART_MS_A_CALL = 20; // a long list costs the hub more, and nobody reads it as often
const NEXT = { pause: ".resume button", resume: ".menu > summary", keep: ".menu > summary" };
const list = () => document.querySelector("[data-live-calls]");

let fetchedAt = 0;
let timer = null;
let ahead = 0; // the browser's clock before the hub's, in milliseconds
let stamp = ""; // which list it is
let lost = null; // since when the list may be old, and its stamp
let steered = null; // what was asked for by keyboard or mouse, until the list shows it

function refreshSoon() {
  if (!list() || document.hidden || timer || document.documentElement.dataset.live === "off") return;
  const apart = APART_MS + APART_MS_A_CALL * list().querySelectorAll(".live-call").length;
  timer = setTimeout(refresh, Math.max(apart - (performance.now() - fetchedAt), 0));
}

async function refresh() {
  const area = list();
  try {
    if (area) await htmx.ajax("GET", area.dataset.liveCalls + location.search, { source: area, target: area, select: "#live-list", swap: "outerMorph", push: "false" });
  } finally {
    fetchedAt = performance.now();
    timer = null;
  }
}

function refreshNow() {
  clearTimeout(timer);
  timer = null;
  fetchedAt = -Infinity;
  refreshSoon();
}

function tick() {
  const now = (lost?.at ?? Date.now()) - ahead;
  for (const place of document.querySelectorAll("[data-since-ms]")) place.textContent = clock((now - place.dataset.sinceMs) / 1000);
  for (const place of document.querySelectorAll("[data-until-ms]")) place.textContent = clock((place.dataset.untilMs - now) / 1000);
}

export function prepareCalls() {
  const area = list();
  if (!area) return;
  if (area.dataset.nowMs !== stamp) {
    stamp = area.dataset.nowMs;
    ahead = Date.now() - Number(stamp);
    if (document.documentElement.dataset.live === "on") lost = null;
  }
  tick();
  tellLost();
  focusNext();
  for (const menu of area.querySelectorAll("details.menu[open]")) place(menu);
}

function tellLost() {
  const line = document.getElementById("live-lost");
  if (!line || Boolean(lost) === line.hasChildNodes()) return;
  line.replaceChildren();
  if (!lost) return;
  const time = new Date(lost.at).toLocaleTimeString(page.locale, { timeStyle: "medium" });
  const note = document.createElement("div");
  note.className = "note warn";
  const words = document.createElement("div");
  words.textContent = t("Connection lost; state of {time}", { time });
  note.append(icon("triangle-alert"), words);
  line.append(note);
}

// the button that was pressed goes, and its place in the row is another's: the focus goes to what undoes it
function focusNext() {
  if (!steered) return;
  const row = document.getElementById(`call-${steered.call}`);
  const next = row?.querySelector(NEXT[steered.action] ?? "[data-none]");
  if (next) steered = null;
  if (next) next.focus();
  else if (document.activeElement === document.body) (row?.querySelector(".tools :is(summary, button:not([data-listen]))") ?? row ?? list()).focus({ preventScroll: true });
}

// a menu that would end below the window opens upwards
function place(menu) {
  menu.classList.remove("up");
  if (!menu.open) return;
  const [head, panel] = [menu.getBoundingClientRect(), menu.querySelector(".panel").getBoundingClientRect()];
  const bottom = document.querySelector("live-ear:not([hidden])")?.getBoundingClientRect().top ?? window.innerHeight;
  menu.classList.toggle("up", panel.bottom > bottom && head.top > panel.height);
}

document.addEventListener("toggle", ({ target }) => target.matches(".live-call details.menu") && place(target), true);

document.addEventListener("htmx:before:request", ({ detail }) => {
  const [, call, action] = /\/live\/(\w+)\/(\w+)\?/.exec(detail.ctx.request.action) ?? [];
  if (detail.ctx.request.method === "POST" && action) steered = { call, action };
});
// who goes on by key or pointer is not called back
for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, () => (steered = null), true);

// what somebody did here shows as soon as it is done
document.addEventListener("htmx:after:swap", ({ detail }) => {
  if (detail.ctx.target?.id !== "live-list" || detail.ctx.request?.method !== "POST") return;
  clearTimeout(timer);
  timer = null;
  fetchedAt = -Infinity;
});

// an error is told, and the list stays as it is; so it does if meanwhile another was asked for
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (ctx.target !== list()) return;
  const isOld = ctx.request.method === "GET" && new URL(ctx.request.action, location.href).search !== location.search;
  if (!isOld && ctx.text.includes('id="live-list"')) return;
  event.preventDefault();
  if (!isOld) document.dispatchEvent(new CustomEvent("hub:failed"));
});

document.addEventListener("hub:lost", ({ detail }) => {
  lost = { at: detail.at };
  tick();
  tellLost();
});
document.addEventListener("hub:back", () => {
  if (!list()) lost = null;
  refreshNow(); // the note goes when a fresh list is there
});
for (const name of ["hub:live.changed", "hub:instance.health", "hub:resync"]) document.addEventListener(name, refreshSoon);
document.addEventListener("visibilitychange", refreshSoon);
setInterval(() => document.hidden || tick(), 1000);
