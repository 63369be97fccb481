// Every keyboard key in one table: the handler and the sheet are both made from it, so that they cannot differ.

import { page, t } from "./texts.js";

const STORE = `keys-${page.person ?? ""}`;
const dock = () => document.getElementById("dock");
const whilePlaying = (act) => () => {
  const player = dock();
  if (!player || player.hidden) return false;
  act(player);
  return true;
};

export const KEYS = [
  { keys: [" ", "k"], shown: [t("Space"), "K"], what: () => t("Play or pause"), act: whilePlaying((player) => player.toggle()) },
  { keys: ["j"], shown: ["J"], what: () => t("Back 5 seconds"), act: whilePlaying((player) => player.jump(-5)) },
  { keys: ["l"], shown: ["L"], what: () => t("Forward 5 seconds"), act: whilePlaying((player) => player.jump(5)) },
  { keys: ["ArrowLeft"], shown: ["←"], what: () => t("Back 1 second"), act: whilePlaying((player) => player.jump(-1)) },
  { keys: ["ArrowRight"], shown: ["→"], what: () => t("Forward 1 second"), act: whilePlaying((player) => player.jump(1)) },
  { keys: ["<", ","], shown: ["<"], what: () => t("Slower"), act: whilePlaying((player) => player.changeSpeed(-1)) },
  { keys: [">", "."], shown: [">"], what: () => t("Faster"), act: whilePlaying((player) => player.changeSpeed(1)) },
  { keys: ["s"], shown: ["S"], what: () => t("Skip silence"), act: whilePlaying((player) => player.toggleSilence()) },
  { keys: ["m"], shown: ["M"], what: () => t("Mute"), act: whilePlaying((player) => player.toggleMute()) },
  { keys: ["+", "="], shown: ["+"], what: () => t("Zoom in"), act: whilePlaying((player) => player.zoom(1)) },
  { keys: ["-"], shown: ["−"], what: () => t("Zoom out"), act: whilePlaying((player) => player.zoom(-1)) },
  { keys: ["c"], shown: ["C"], what: () => t("Copy a link that starts here"), act: whilePlaying((player) => player.copyLink()) },
  { keys: ["n"], shown: ["N"], what: () => t("Next recording"), act: whilePlaying((player) => player.step(1)) },
  { keys: ["p"], shown: ["P"], what: () => t("Previous recording"), act: whilePlaying((player) => player.step(-1)) },
  { keys: ["/"], shown: ["/"], what: () => t("Search"), act: search },
  { keys: ["?"], shown: ["?"], what: () => t("This sheet"), act: openSheet, always: true },
];

function search() {
  const box = document.querySelector("[data-search]");
  if (!box) return false;
  box.focus();
  box.select();
  return true;
}

function openSheet() {
  document.getElementById("key-sheet")?.showModal();
  return true;
}

export function keysAreOn() {
  return localStorage.getItem(STORE) !== "off";
}

function isTyping(target) {
  if (target.isContentEditable || target.matches?.("textarea, select")) return true;
  return target.matches?.("input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=submit])") ?? false;
}

// a focused control keeps the keys that it has itself
function isOwnKey(event) {
  const { target, key } = event;
  if (key === " ") return target.matches?.("button, a, summary, input, [role=slider], [role=button]") && !target.matches("[role=slider]");
  if (key.startsWith("Arrow")) return target.matches?.("input, [role=slider], audio") ?? false;
  return false;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (isTyping(event.target) || isOwnKey(event) || document.querySelector("dialog[open]")) return;
  const entry = KEYS.find(({ keys }) => keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
  if (!entry || !(keysAreOn() || entry.always)) return;
  if (entry.act()) event.preventDefault();
});

export function fillSheets(root = document) {
  for (const list of root.querySelectorAll("[data-key-list]")) {
    list.replaceChildren(
      ...KEYS.map((entry) => {
        const line = document.createElement("div");
        const term = document.createElement("dt");
        term.textContent = entry.what();
        const keys = document.createElement("dd");
        for (const shown of entry.shown) {
          const key = document.createElement("kbd");
          key.textContent = shown;
          key.translate = false;
          keys.append(key);
        }
        line.append(term, keys);
        return line;
      }),
    );
  }
  for (const box of root.querySelectorAll("[data-key-switch]")) box.checked = keysAreOn();
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-key-switch]")) return;
  localStorage.setItem(STORE, event.target.checked ? "on" : "off");
  fillSheets();
});
