// The list of recordings: playing, selecting, columns, and new rows that come in by themselves.

import { announce, page, t } from "./texts.js";

const TOGETHER_MS = 400;
const KNOWN = 60;

const list = () => document.querySelector("[data-recordings]");
const rows = () => [...document.querySelectorAll("[data-recordings] tbody tr[data-id]")];
const selected = () => rows().filter((row) => row.querySelector("[data-select]")?.checked);

// playing ----------------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  if (!button || button.disabled) return;
  const player = document.getElementById("dock");
  const id = button.dataset.play;
  if (player.dataset.recording === id) return player.toggle();
  const queue = rows().map((row) => row.dataset.id);
  player.load(id, { at: Number(button.dataset.at ?? 0), queue: queue.includes(id) ? queue : [id] });
});

function markRows({ id, playing }) {
  const player = document.getElementById("dock");
  player.dataset.recording = id ?? "";
  for (const row of document.querySelectorAll("[data-id]")) {
    const current = row.dataset.id === id;
    row.classList.toggle("current", current);
    row.classList.toggle("sounding", current && playing);
    const button = row.querySelector("[data-play]");
    if (button) button.setAttribute("aria-label", current && playing ? t("Pause") : t("Play {who}", { who: button.dataset.who ?? "" }));
  }
}

document.addEventListener("player:change", ({ detail }) => markRows(detail));

// selecting --------------------------------------------------------------------------------------------------------

function showSelection() {
  const area = list();
  if (!area) return;
  const chosen = selected();
  const all = area.querySelector("[data-select-all]");
  for (const row of rows()) row.classList.toggle("selected", row.querySelector("[data-select]")?.checked ?? false);
  if (all) {
    all.checked = chosen.length > 0 && chosen.length === rows().length;
    all.indeterminate = chosen.length > 0 && !all.checked;
  }
  const bar = document.getElementById("selection");
  if (!bar) return;
  bar.hidden = chosen.length === 0;
  document.getElementById("total")?.toggleAttribute("hidden", chosen.length > 0);
  const count = bar.querySelector("[data-count]");
  count.textContent = t("{count} selected", { count: chosen.length.toLocaleString(page.locale) });
}

let lastTicked = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest?.("[data-select]");
  if (!box) return;
  const all = rows();
  const at = all.findIndex((row) => row.contains(box));
  if (event.shiftKey && lastTicked !== null && lastTicked < all.length) {
    const [from, to] = [Math.min(at, lastTicked), Math.max(at, lastTicked)];
    for (const row of all.slice(from, to + 1)) row.querySelector("[data-select]").checked = box.checked;
  }
  lastTicked = at;
  showSelection();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) {
    for (const row of rows()) row.querySelector("[data-select]").checked = event.target.checked;
    showSelection();
  }
  if (event.target.matches("[data-column]")) chooseColumns();
});

const bulk = {
  play: (chosen) => document.getElementById("dock").load(chosen[0].dataset.id, { queue: chosen.map((row) => row.dataset.id) }),
  clear: () => {
    for (const row of rows()) row.querySelector("[data-select]").checked = false;
    showSelection();
  },
  download: async (chosen) => {
    for (const row of chosen) {
      const link = document.createElement("a");
      link.href = `/media/${row.dataset.id}/download`;
      link.download = "";
      link.click();
      await new Promise((resolve) => setTimeout(resolve, 350)); // browsers drop downloads that start at once
    }
  },
};

document.addEventListener("click", (event) => {
  const act = event.target.closest("[data-bulk]")?.dataset.bulk;
  if (act) bulk[act](selected());
});

// columns: a cookie, so that the server draws the list right at once -------------------------------------------------

function chooseColumns() {
  const boxes = [...document.querySelectorAll("[data-column]")];
  const hidden = boxes.filter((box) => !box.checked).map((box) => box.dataset.column);
  const table = list().querySelector("table");
  table.classList.remove("auto");
  for (const box of boxes) {
    for (const cell of table.querySelectorAll(`.col-${box.dataset.column}`)) cell.hidden = !box.checked;
  }
  document.cookie = `columns=${hidden.join(".") || "all"}; path=/; max-age=31536000; samesite=lax`;
}

// new recordings ----------------------------------------------------------------------------------------------------

const changed = new Set();
let timer = null;
function arrive() {
  clearTimeout(timer);
  timer = setTimeout(fetchArrivals, TOGETHER_MS);
}

async function fetchArrivals() {
  const area = list();
  if (!area || document.hidden) return;
  const known = rows().slice(0, KNOWN).map((row) => row.dataset.id).filter((id) => !changed.has(id));
  changed.clear();
  const address = new URL(area.dataset.fresh, location.href);
  address.searchParams.set("known", known.join("."));
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || list() !== area) return;
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const total = holder.content.querySelector("#total");
  if (total) document.getElementById("total")?.replaceChildren(...total.childNodes);
  insert(area, [...holder.content.querySelectorAll("tr[data-id]")]);
}

function insert(area, fresh) {
  if (fresh.length === 0) return;
  const body = area.querySelector("tbody");
  if (!body) return location.reload(); // the first recording of all: from the checklist to the list
  const anchor = rows().find((row) => row.getBoundingClientRect().top >= 0);
  const before = anchor?.getBoundingClientRect().top;
  let added = 0;
  for (const row of fresh) {
    const old = document.getElementById(row.id);
    if (old) {
      row.querySelector("[data-select]").checked = old.querySelector("[data-select]").checked;
      old.replaceWith(row);
      continue;
    }
    const next = rows().find((other) => Number(other.dataset.start) < Number(row.dataset.start));
    if (!next && area.querySelector("[data-more]")) continue; // older than what is loaded: it comes with its page
    body.insertBefore(row, next ?? null);
    row.classList.add("fresh");
    added += 1;
  }
  window.htmx.process(body);
  const outOfSight = window.scrollY > 120;
  const moved = anchor && outOfSight ? anchor.getBoundingClientRect().top - before : 0;
  if (moved) window.scrollBy(0, moved); // browsers that anchor by themselves have moved nothing
  const player = document.getElementById("dock");
  markRows({ id: player.dataset.recording || null, playing: player.playing });
  showSelection();
  if (added) tell(added, outOfSight);
}

function tell(added, outOfSight) {
  announce(added === 1 ? t("A new recording came in") : t("{count} new recordings came in", { count: added }));
  const pill = document.getElementById("arrivals");
  if (!pill || !outOfSight) return;
  pill.dataset.count = Number(pill.dataset.count || 0) + added;
  pill.querySelector("span").textContent = t("{count} new", { count: pill.dataset.count });
  pill.hidden = false;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#arrivals button")) return;
  window.scrollTo({ top: 0, behavior: "smooth" });
});

window.addEventListener("scroll", () => {
  const pill = document.getElementById("arrivals");
  if (pill && !pill.hidden && window.scrollY < 60) {
    pill.hidden = true;
    pill.dataset.count = 0;
  }
}, { passive: true });

document.addEventListener("hub:recording.changed", ({ detail }) => changed.add(detail.subject));
for (const topic of ["recording.catalogued", "recording.changed", "resync"]) document.addEventListener(`hub:${topic}`, arrive);
document.addEventListener("visibilitychange", () => !document.hidden && list() && arrive());

export function prepareList() {
  const player = document.getElementById("dock");
  if (player) markRows({ id: player.dataset.recording || null, playing: player.playing ?? false });
  showSelection();
  lastTicked = null;
}
