// Everything that runs in the browser starts here.

import htmx from "../vendor/htmx.js";
import "./clipboard.js";
import { markHeard } from "./ear.js";
import "./filters.js";
import { fillSheets } from "./keys.js";
import "./languages.js";
import { listen } from "./live.js";
import { prepareCalls } from "./live_calls.js";
import "./menus.js";
import "./navigation.js";
import "./passwords.js";
import "./player/dock.js";
import { prepareList } from "./recordings.js";
import "./rule_order.js";
import "./settings_form.js";
import { showPageNotices } from "./toasts.js";
import "./uploads.js";

window.htmx = htmx;

// pages are drawn with the viewer's time zone: the server learns the browser's from a cookie
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `timezone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;

function prepare() {
  fillSheets();
  prepareList();
  prepareCalls();
  markHeard();
  showPageNotices();
  cue();
}

// /r/<id>?t=73 puts the recording into the player, ready to go on from there
function cue() {
  const page = document.querySelector('[data-cue]:not([data-cue=""])');
  const player = document.getElementById("dock");
  if (!page || !player) return;
  const { cue: id, cueAt, cueAlways } = page.dataset;
  delete page.dataset.cue;
  if (player.hidden || cueAlways === "yes") player.load(id, { at: Number(cueAt), play: false, queue: [id] });
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form) return;
  document.documentElement.dataset.theme = event.target.value;
  for (const box of document.querySelectorAll(`[data-theme-form] input[value="${event.target.value}"]`)) box.checked = true;
  document.dispatchEvent(new CustomEvent("hub:theme"));
  form.requestSubmit();
});

document.addEventListener("htmx:after:swap", prepare);
document.querySelector('.gate [aria-invalid="true"]')?.focus();
prepare();
listen();
