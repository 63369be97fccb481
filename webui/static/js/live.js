// One event stream for the whole tab. Elements with data-live="topic topic:subject" fetch themselves again when one of
// these comes; modules listen for "hub:<topic>" on document.

import htmx from "../vendor/htmx.js";
import { toast } from "./toasts.js";
import { page, t } from "./texts.js";

const TOPICS = [
  "recording.catalogued",
  "recording.changed",
  "instance.health",
  "live.changed",
  "alarm.raised",
  "alarm.acknowledged",
  "alarm.cleared",
  "quarantine.changed",
  "spool.changed",
];
const TOGETHER_MS = 250;
const TOLD_AFTER_MS = 4000; // a stream that comes back at once was no loss
const AGAIN_MS = 3000;
const AGAIN_MOST_MS = 60_000;
const SEVERITIES = { critical: "bad", major: "bad", minor: "warn", warning: "warn", information: "" };

const waiting = new Map();
const root = document.documentElement;

let stream = null;
let lastId = page.after ?? "";
let againMs = AGAIN_MS;
let again = null;
let telling = null;
let isTold = false;

function refresh(element) {
  if (waiting.has(element.id)) return;
  const timer = setTimeout(() => {
    waiting.delete(element.id);
    const now = document.getElementById(element.id);
    if (!now || now.contains(document.activeElement) || now.querySelector("details[open]")) return;
    htmx.ajax("GET", now.dataset.liveSrc, { source: now, target: now, select: `#${CSS.escape(now.id)}`, swap: "outerHTML", push: "false" });
  }, TOGETHER_MS);
  waiting.set(element.id, timer);
}

function refreshAll(matches) {
  for (const element of document.querySelectorAll("[data-live][data-live-src]")) {
    if (element.dataset.live.split(" ").some(matches)) refresh(element);
  }
}

function receive(message) {
  if (message.lastEventId) lastId = message.lastEventId;
  const event = JSON.parse(message.data);
  refreshAll((wanted) => wanted === event.topic || wanted === `${event.topic}:${event.subject}`);
  document.dispatchEvent(new CustomEvent(`hub:${event.topic}`, { detail: event }));
}

document.addEventListener("hub:alarm.raised", ({ detail }) => {
  const { severity, text } = detail.payload;
  if (!text || severity === "information") return;
  const shade = SEVERITIES[severity] ?? "";
  toast({ title: t("Alarm"), text, shade, icon: shade === "bad" ? "octagon-alert" : "triangle-alert", href: "/alarms" });
});

// pages say so by "hub:lost", with the moment since which they may be old, and take it back by "hub:back"
function lose() {
  if (root.dataset.live === "off") return;
  root.dataset.live = "off";
  const at = Date.now();
  telling = setTimeout(() => {
    isTold = true;
    document.dispatchEvent(new CustomEvent("hub:lost", { detail: { at } }));
  }, TOLD_AFTER_MS);
}

function regain() {
  root.dataset.live = "on";
  againMs = AGAIN_MS;
  clearTimeout(telling);
  if (!isTold) return;
  isTold = false;
  refreshAll(() => true);
  document.dispatchEvent(new CustomEvent("hub:back"));
}

// the browser tries again by itself, but not after an answer that is no stream, such as a proxy's 502
function openLater() {
  clearTimeout(again);
  again = setTimeout(open, againMs);
  againMs = Math.min(againMs * 2, AGAIN_MOST_MS);
}

function close() {
  clearTimeout(again);
  stream?.close();
}

function open() {
  close();
  const opened = (stream = new EventSource(`/events?after=${lastId}`));
  for (const topic of TOPICS) opened.addEventListener(topic, receive);
  // the stream could not keep up or was away for long: everything on the page may be old
  opened.addEventListener("resync", () => {
    refreshAll(() => true);
    document.dispatchEvent(new CustomEvent("hub:resync"));
  });
  opened.addEventListener("bye", close);
  opened.onopen = regain;
  opened.onerror = () => {
    lose();
    if (opened.readyState === EventSource.CLOSED) openLater();
  };
}

export function listen() {
  if (!document.querySelector("toast-stack")) return; // signed out
  open();
  window.addEventListener("offline", () => {
    close();
    lose();
  });
  window.addEventListener("online", open);
  window.addEventListener("pagehide", close);
}
