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
const SEVERITIES = { critical: "bad", major: "bad", minor: "warn", warning: "warn", information: "" };

const waiting = new Map();

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

export function listen() {
  if (!document.querySelector("toast-stack")) return; // signed out
  const stream = new EventSource(`/events?after=${page.after ?? ""}`);
  for (const topic of TOPICS) stream.addEventListener(topic, receive);
  // the stream could not keep up or was away for long: everything on the page may be old
  stream.addEventListener("resync", () => {
    refreshAll(() => true);
    document.dispatchEvent(new CustomEvent("hub:resync"));
  });
  stream.addEventListener("bye", () => stream.close());
  stream.onopen = () => (document.documentElement.dataset.live = "on");
  stream.onerror = () => (document.documentElement.dataset.live = "off");
  window.addEventListener("pagehide", () => stream.close());
}
